// OpenAI's API inside an Express app: `/v1/...` is the engine's, the rest is yours.
import { fileURLToPath } from 'node:url'
import express from 'express'
import { load } from 'sluice'
import { requestListener } from 'sluice/http'

const model = fileURLToPath(import.meta.resolve('sluice/models/storyteller.gguf'))
const engine = await load({ model })
const app = express()

// Before express.json(): it reads the body itself. app.all() leaves the path as it came, which
// app.use('/v1', ...) would not.
app.all('/v1/*path', requestListener({ engine }))
app.get('/', (_req, res) => {
  res.send('the page of your app')
})

const port = Number(process.env.PORT ?? 8080)
const server = app.listen(port, '127.0.0.1', () => console.log(`http://127.0.0.1:${port}/v1`))
process.once('SIGTERM', () => {
  server.close(() => engine.close())
  setTimeout(() => server.closeAllConnections(), 10_000).unref() // those that are not done by then
})
