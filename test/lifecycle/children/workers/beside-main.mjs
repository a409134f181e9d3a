import { Worker } from 'node:worker_threads'
import { load } from 'sluice'
import { ask, endless, model } from '../common.mjs'

const engine = await load({ model })
const reply = engine.chat(ask, { ...endless, maxTokens: 300 })
const worker = new Worker(new URL('./worker.mjs', import.meta.url), {
  workerData: { model, tokens: 8000 },
})
await new Promise((resolve) => worker.once('message', resolve))
await worker.terminate()
const { usage } = await reply.done
process.send({ tokens: usage.completionTokens }, () => process.disconnect())
