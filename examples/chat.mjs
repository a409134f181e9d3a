// The engine in a program of its own: load, read a reply as it comes, close.
import { fileURLToPath } from 'node:url'
import { load } from 'sluice'

// The small model of the package; put the path of your own GGUF file here.
const model = fileURLToPath(import.meta.resolve('sluice/models/storyteller.gguf'))

const engine = await load({ model })
try {
  const ask = 'Tell me a story about a fox'
  const reply = engine.chat([{ role: 'user', content: ask }], { maxTokens: 300 })
  for await (const part of reply) process.stdout.write(part.text)
  const { finishReason, usage } = await reply.done
  console.log(`\n(${finishReason}, ${usage.completionTokens} tokens)`)
} finally {
  await engine.close()
}
