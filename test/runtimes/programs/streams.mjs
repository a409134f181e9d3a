import { load } from 'sluice'
import { ask, endless, model } from './common.mjs'

const engine = await load({ model })
let text = ''
const reply = engine.chat(ask, { maxTokens: 40, seed: 1 })
for await (const part of reply) text += part.text
console.log('read', text.length > 40, (await reply.done).finishReason)

const left = engine.chat(ask, endless)
for await (const part of left) if (part.text !== '') break
console.log('left', (await left.done).finishReason)

const controller = new AbortController()
const aborted = engine.chat(ask, { ...endless, signal: controller.signal })
const error = await (async () => {
  for await (const _ of aborted) controller.abort()
})().catch((thrown) => thrown)
console.log('aborted', error.code, error.cause === controller.signal.reason)

const web = engine.chat(ask, { maxTokens: 40, seed: 1 }).toWeb()
let again = ''
for await (const part of web) again += part.text
console.log('web', again === text)

// What crosses the border: an Int32Array and Buffers.
const tokens = await engine.tokenize('the fox, der Fuchs 🦊')
const pieces = await engine.pieces(tokens)
console.log('bytes', Buffer.concat(pieces).toString() === 'the fox, der Fuchs 🦊')
console.log('idle', engine.stats().running)
await engine.close()
