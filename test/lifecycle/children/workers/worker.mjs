import { parentPort, workerData } from 'node:worker_threads'
import { load } from 'sluice'

const { model, tokens } = workerData
const engine = await load({ model })
const ask = [{ role: 'user', content: 'Tell me a story' }]
const reply = engine.chat(ask, { maxTokens: tokens, ignoreEos: true })
for await (const _ of reply) parentPort.postMessage({ reading: true })
await engine.close()
parentPort.postMessage({ tokens: (await reply.done).usage.completionTokens })
