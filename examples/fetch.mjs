// OpenAI's API as a function from a web Request to its Response, here inside a Hono app: paths below
// `/ai` are the engine's, the rest is yours. Bun.serve and Deno.serve take the same function.
import { fileURLToPath } from 'node:url'
import { serve } from '@hono/node-server'
import { Hono } from 'hono'
import { load } from 'sluice'
import { fetchHandler } from 'sluice/http'

const model = fileURLToPath(import.meta.resolve('sluice/models/storyteller.gguf'))
const engine = await load({ model })
const handler = fetchHandler({ engine, prefix: '/ai' })

const app = new Hono()
app.all('/ai/*', (c) => handler(c.req.raw, c.env))
app.get('/', (c) => c.text('the page of your app'))

const port = Number(process.env.PORT ?? 8080)
const listening = () => console.log(`http://127.0.0.1:${port}/ai/v1`)
const server = /** @type {import('node:http').Server} */ (
  serve({ fetch: app.fetch, port, hostname: '127.0.0.1' }, listening)
)
process.once('SIGTERM', async () => {
  server.close()
  setTimeout(() => server.closeAllConnections(), 10_000).unref() // what is still open
  await handler.drain({ deadlineMs: 9_000 }) // replies end, or are told that there is no time
  await engine.close()
})
