import { Worker } from 'node:worker_threads'
import { model } from '../common.mjs'

// 100 workers, each ended at another moment of its life: as it starts, as it loads, as its reply
// is written, when it is done.
const stages = new Map()
for (let round = 0; round < 100; round++) {
  const tokens = round % 4 === 3 ? 5 : 8000
  const url = new URL('./worker.mjs', import.meta.url)
  const worker = new Worker(url, { workerData: { model, tokens } })
  // Asked for now: a worker's end brings its last messages with it, all in one turn.
  const [online, message, exit] = ['online', 'message', 'exit'].map((name) => event(worker, name))
  let stage = 'starting'
  worker.once('online', () => {
    stage = 'loading'
  })
  worker.on('message', (message) => {
    stage = 'reading' in message ? 'writing' : 'done'
  })
  if (round % 4 > 0) await online
  if (round % 4 > 1) await message
  if (round % 4 > 2) await exit
  else await new Promise((resolve) => setTimeout(resolve, round / 4))
  stages.set(stage, (stages.get(stage) ?? 0) + 1)
  await worker.terminate()
}
process.send({ stages: Object.fromEntries(stages) }, () => process.disconnect())

function event(worker, name) {
  return new Promise((resolve) => worker.once(name, resolve))
}
