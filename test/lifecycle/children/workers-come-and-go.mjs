import { Worker } from 'node:worker_threads'
import { model } from './common.mjs'

// 100 workers, each ended at another moment of its life: as it starts, loads, reads a prompt,
// writes, or is done.
const stages = new Map()
for (let round = 0; round < 100; round++) {
  const url = new URL('./worker.mjs', import.meta.url)
  const worker = new Worker(url, { workerData: { model, tokens: 200 } })
  let stage = 'starting'
  worker.on('online', () => {
    stage = 'loading'
  })
  worker.on('message', (message) => {
    stage = 'reading' in message ? 'writing' : 'done'
  })
  const messages = round % 3 === 0 ? 0 : round % 40
  if (messages === 0) await new Promise((resolve) => setTimeout(resolve, 2 * (round % 20)))
  else await afterMessages(worker, messages)
  stages.set(stage, (stages.get(stage) ?? 0) + 1)
  await worker.terminate()
}
process.send({ stages: Object.fromEntries(stages) }, () => process.disconnect())

/** Or until it has ended. */
function afterMessages(worker, count) {
  return new Promise((resolve) => {
    worker.on('message', () => --count === 0 && resolve())
    worker.once('exit', resolve)
  })
}
