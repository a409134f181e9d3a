import '../failing.mjs'
import { Worker } from 'node:worker_threads'
import { load } from 'sluice'
import { model } from '../common.mjs'

// The plan is read when an engine is made on the main thread.
await (await load({ model })).close()
const worker = new Worker(new URL('./with-fault.mjs', import.meta.url), {
  workerData: { model },
})
worker.on('message', (message) => process.send(message))
worker.on('exit', () => process.disconnect())
