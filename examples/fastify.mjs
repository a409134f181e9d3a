// OpenAI's API inside a Fastify app: paths below `/v1` are the engine's, the rest is yours.
import { fileURLToPath } from 'node:url'
import fastify from 'fastify'
import { load } from 'sluice'
import { requestListener } from 'sluice/http'

const model = fileURLToPath(import.meta.resolve('sluice/models/storyteller.gguf'))
const engine = await load({ model })
const listener = requestListener({ engine }) // below a path: { engine, prefix: '/ai' }
const app = fastify({ bodyLimit: 32 * 1024 * 1024 })

// It takes Fastify's own request and reply, and the body that Fastify has parsed.
app.all('/v1/*', listener)
app.get('/', () => 'the page of your app')
app.addHook('preClose', () => listener.drain({ deadlineMs: 9_000 })) // replies end
app.addHook('onClose', () => engine.close())

const port = Number(process.env.PORT ?? 8080)
await app.listen({ port, host: '127.0.0.1' })
console.log(`http://127.0.0.1:${port}/v1`)
process.once('SIGTERM', () => {
  app.close()
  setTimeout(() => app.server.closeAllConnections(), 10_000).unref() // what is still open
})
