// A conversation that outgrows its context: the oldest turns are dropped, in steps, and told of.
import { fileURLToPath } from 'node:url'
import { load } from 'sluice'

const model = fileURLToPath(import.meta.resolve('sluice/models/storyteller.gguf'))
const engine = await load({ model, context: 512, parallel: 1 })

// All that was said. What is sent of it is `fit`'s affair, so nothing is lost here.
const rules = 'You tell short stories. Each is about an animal that finds a friend, and ends well.'
/** @type {import('sluice').ChatMessage[]} */
const history = [{ role: 'system', content: rules }]
let droppedBefore = 0

for (const animal of [
  'fox',
  'owl',
  'bear',
  'hare',
  'wolf',
  'mole',
  'duck',
  'goat',
  'crow',
  'deer',
]) {
  history.push({ role: 'user', content: `Tell me a story about a ${animal}` })
  const reply = engine.chat(history, { maxTokens: 80, fit: true })
  const { text, usage, dropped = [] } = await reply.done
  history.push({ role: 'assistant', content: text })

  const isNew = dropped.length > droppedBefore
  droppedBefore = dropped.length
  const told = isNew ? `, ${dropped.length} messages dropped` : ''
  console.log(`${animal}: ${usage.cachedTokens} of ${usage.promptTokens} tokens known${told}`)
}
await engine.close()
