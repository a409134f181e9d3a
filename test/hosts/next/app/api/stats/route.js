import { engine } from '../../../lib/engine.js'

export const dynamic = 'force-dynamic'

/** Of the engine of app/api/chat, that of pages/api/ai, and that of app/api/llm. */
export async function GET() {
  const engines = await Promise.all([engine(), globalThis.ai?.engine, globalThis.llm?.engine])
  const stats = engines.filter(Boolean).map((each) => each.stats())
  const sum = (name) => stats.reduce((total, each) => total + each[name], 0)
  return Response.json({
    running: sum('running'),
    cancelled: sum('cancelled'),
    finished: sum('finished'),
  })
}
