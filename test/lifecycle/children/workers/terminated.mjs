import { Worker } from 'node:worker_threads'
import { model } from '../common.mjs'

for (let round = 0; round < 8; round++) {
  const worker = new Worker(new URL('./worker.mjs', import.meta.url), {
    workerData: { model, tokens: 8000 },
  })
  await new Promise((resolve) => worker.once('message', resolve))
  await worker.terminate()
}
process.disconnect()
