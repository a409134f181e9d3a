// What a framework does with examples/route.mjs: its path comes first, then the port.
import { serve } from '@hono/node-server'

const [route, port] = process.argv.slice(2)
const { POST } = await import(route)
const server = serve({ fetch: POST, port: Number(port), hostname: '127.0.0.1' }, () =>
  console.log('ready'),
)
process.once('SIGTERM', () => {
  server.close(async () => (await globalThis.engine)?.close())
})
