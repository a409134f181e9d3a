import { engine } from '../../../lib/engine.js'

export const dynamic = 'force-dynamic'

export async function GET() {
  return Response.json((await engine()).stats())
}
