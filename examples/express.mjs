// OpenAI's API inside an Express app: paths below `/ai` are the engine's, the rest is yours.
import { fileURLToPath } from 'node:url'
import compression from 'compression'
import cors from 'cors'
import express from 'express'
import { load } from 'sluice'
import { requestListener } from 'sluice/http'

const model = fileURLToPath(import.meta.resolve('sluice/models/storyteller.gguf'))
const engine = await load({ model })
const listener = requestListener({ engine })
const app = express()

// Each of them may be there or not: a parsed body is taken as it is, a stream is not packed.
app.use(cors(), compression(), express.json({ limit: '32mb' }))
app.use('/ai', listener)
app.get('/', (_req, res) => {
  res.send('the page of your app')
})

const port = Number(process.env.PORT ?? 8080)
const server = app.listen(port, '127.0.0.1', () => console.log(`http://127.0.0.1:${port}/ai/v1`))
process.once('SIGTERM', async () => {
  server.close()
  setTimeout(() => server.closeAllConnections(), 10_000).unref() // what is still open
  await listener.drain({ deadlineMs: 9_000 }) // replies end, or are told that there is no time
  await engine.close()
})
