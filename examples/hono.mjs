// OpenAI's API inside a Hono app on Node: paths below `/ai` are the engine's, the rest is yours.
import { fileURLToPath } from 'node:url'
import { serve } from '@hono/node-server'
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response'
import { Hono } from 'hono'
import { load } from 'sluice'
import { requestListener } from 'sluice/http'

const model = fileURLToPath(import.meta.resolve('sluice/models/storyteller.gguf'))
const engine = await load({ model })
const listener = requestListener({ engine, prefix: '/ai' })

/** @type {Hono<{ Bindings: import('@hono/node-server').HttpBindings }>} */
const app = new Hono()
app.all('/ai/*', (c) => {
  listener(c.env.incoming, c.env.outgoing)
  return RESPONSE_ALREADY_SENT
})
app.get('/', (c) => c.text('the page of your app'))

const port = Number(process.env.PORT ?? 8080)
const listening = () => console.log(`http://127.0.0.1:${port}/ai/v1`)
const server = /** @type {import('node:http').Server} */ (
  serve({ fetch: app.fetch, port, hostname: '127.0.0.1' }, listening)
)
process.once('SIGTERM', async () => {
  server.close()
  setTimeout(() => server.closeAllConnections(), 10_000).unref() // what is still open
  await listener.drain({ deadlineMs: 9_000 }) // replies end, or are told that there is no time
  await engine.close()
})
