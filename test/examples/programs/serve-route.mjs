// What a framework does with a module of route handlers, as examples/route.mjs: one function for
// each method. Its path comes first, then the port.
import { serve } from '@hono/node-server'

const [route, port] = process.argv.slice(2)
const handlers = await import(route)
const server = serve(
  {
    fetch: (request) => handlers[request.method](request),
    port: Number(port),
    hostname: '127.0.0.1',
  },
  () => console.log('ready'),
)
process.once('SIGTERM', () => {
  server.close(async () => {
    await globalThis.llm?.handler.drain()
    for (const engine of [globalThis.engine, globalThis.llm?.engine]) await (await engine)?.close()
  })
})
