// An AbortSignal ends a reply at its next token, whether it waits, reads its prompt or writes.
import { fileURLToPath } from 'node:url'
import { load, SluiceError } from 'sluice'

const model = fileURLToPath(import.meta.resolve('sluice/models/storyteller.gguf'))
const engine = await load({ model })

const controller = new AbortController()
const signal = AbortSignal.any([controller.signal, AbortSignal.timeout(60_000)])
const ask = 'Tell me a story about a fox'
const reply = engine.chat([{ role: 'user', content: ask }], { signal })
let text = ''
try {
  for await (const part of reply) {
    text += part.text
    if (text.length > 40) controller.abort() // as a button or a closed tab would
  }
} catch (error) {
  if (!(error instanceof SluiceError) || error.code !== 'ERR_CANCELLED') throw error
  console.log(`stopped after: ${text}`)
}

await engine.close()
