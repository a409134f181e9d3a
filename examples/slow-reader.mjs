// A reply goes on only as it is read. One that is not read waits after `window` tokens, costs no
// time, and keeps every character until it is read again.
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { load } from 'sluice'

const model = fileURLToPath(import.meta.resolve('sluice/models/storyteller.gguf'))
const engine = await load({ model, window: 16 })

const ask = 'Tell me a story about a fox'
const reply = engine.chat([{ role: 'user', content: ask }], { maxTokens: 100, ignoreEos: true })
let read = 0
let ahead = 0
for await (const part of reply) {
  read += part.tokens
  await sleep(50) // a slow socket, a slow disk, a person
  ahead = Math.max(ahead, engine.stats().tokensGenerated - read)
}
console.log(`${read} tokens read, the engine never more than ${ahead} ahead`)

await engine.close()
