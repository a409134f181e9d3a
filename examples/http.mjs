// OpenAI's API in a server of your own: paths below `/ai` are the engine's, the rest is yours.
import { createServer } from 'node:http'
import { fileURLToPath } from 'node:url'
import { load } from 'sluice'
import { requestListener } from 'sluice/http'

const model = fileURLToPath(import.meta.resolve('sluice/models/storyteller.gguf'))
const engine = await load({ model })
const listener = requestListener({ engine, prefix: '/ai' })

const server = createServer((req, res) => {
  // It calls back for what is not its own.
  listener(req, res, () => {
    if (req.url === '/') res.end('the page of your app')
    else res.writeHead(404).end()
  })
})

const port = Number(process.env.PORT ?? 8080)
server.listen(port, '127.0.0.1', () => console.log(`http://127.0.0.1:${port}/ai/v1`))
process.once('SIGTERM', async () => {
  server.close()
  setTimeout(() => server.closeAllConnections(), 10_000).unref() // what is still open
  await listener.drain({ deadlineMs: 9_000 }) // replies end, or are told that there is no time
  await engine.close()
})
