import { load } from 'sluice'
import { createServer } from 'sluice/http'
import { ask, model } from './common.mjs'

const engine = await load({ model })
const server = createServer({ engine, port: 0 })
const { url } = await server.listen()
const post = (signal, maxTokens) =>
  fetch(`${url}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ messages: ask, model: 'default', stream: true, max_tokens: maxTokens }),
    signal,
  })

const story = await (await post(null, 40)).text()
console.log('streamed', story.includes('"content":'), story.endsWith('data: [DONE]\n\n'))

const controller = new AbortController()
const { body } = await post(controller.signal, 900)
const reader = body.getReader()
await reader.read()
controller.abort()
await reader.closed.catch(() => undefined)
while (engine.stats().cancelled === 0) await new Promise((resolve) => setTimeout(resolve, 1))
console.log('cancelled', engine.stats().running)

await server.drain()
await engine.close()
console.log('drained')
