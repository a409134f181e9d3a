// OpenAI's API inside a Fastify app: `/v1/...` is the engine's, the rest is yours.
import { fileURLToPath } from 'node:url'
import fastify from 'fastify'
import { load } from 'sluice'
import { requestListener } from 'sluice/http'

const model = fileURLToPath(import.meta.resolve('sluice/models/storyteller.gguf'))
const engine = await load({ model })
const listener = requestListener({ engine })
const app = fastify()

// onRequest comes before Fastify reads the body; hijack() says that the answer is not Fastify's.
app.all('/v1/*', {
  onRequest: (request, reply) => {
    reply.hijack()
    listener(request.raw, reply.raw)
  },
  handler: () => undefined,
})
app.get('/', () => 'the page of your app')
app.addHook('onClose', () => engine.close())

const port = Number(process.env.PORT ?? 8080)
await app.listen({ port, host: '127.0.0.1' })
console.log(`http://127.0.0.1:${port}/v1`)
process.once('SIGTERM', () => {
  app.close()
  setTimeout(() => app.server.closeAllConnections(), 10_000).unref() // those that are not done by then
})
