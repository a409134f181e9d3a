// Streams from the package that was installed beside it, and leaves a second reply early.
import { createRequire } from 'node:module'
import { load } from 'sluice'
import { createServer } from 'sluice/http'

const model = createRequire(import.meta.url).resolve('sluice/models/storyteller.gguf')
const messages = [{ role: 'user', content: 'Tell me a story' }]

async function main() {
  const engine = await load({ model })
  const server = createServer({ engine, port: 0 })
  const { url } = await server.listen()
  console.log('health', (await fetch(`${url}/health`)).status)
  await server.drain()
  let parts = 0
  for await (const _ of engine.chat(messages, { maxTokens: 20 })) parts++
  console.log('parts', parts > 1)
  const left = engine.chat(messages)
  for await (const _ of left) break
  console.log('left', (await left.done).finishReason)
  await engine.close()
}

main().catch(({ code, message }) => console.log(code, message))
