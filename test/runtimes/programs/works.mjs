// Worker threads with engines of their own, beside one of the main thread.
import { Worker } from 'node:worker_threads'
import { load } from 'sluice'
import { ask, endless, model } from './common.mjs'

const start = (tokens) => {
  const url = new URL('./worker.mjs', import.meta.url)
  return new Worker(url, { workerData: { model, tokens } })
}
const engine = await load({ model })
const reply = engine.chat(ask, { ...endless, maxTokens: 300 })

for (let round = 0; round < 3; round++) {
  const worker = start(900)
  await new Promise((resolve) => worker.once('message', resolve))
  await worker.terminate()
}
console.log('terminated')

const worker = start(50)
const ended = new Promise((resolve) => worker.once('exit', resolve))
const tokens = await new Promise((resolve) => {
  worker.on('message', (message) => 'tokens' in message && resolve(message.tokens))
})
console.log('read', tokens, 'ended with', await ended)

console.log('beside', (await reply.done).usage.completionTokens)
await engine.close()
