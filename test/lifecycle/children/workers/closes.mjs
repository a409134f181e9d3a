import { Worker } from 'node:worker_threads'
import { model } from '../common.mjs'

const worker = new Worker(new URL('./worker.mjs', import.meta.url), {
  workerData: { model, tokens: 50 },
})
worker.on('message', (message) => 'tokens' in message && process.send(message))
worker.on('exit', () => process.disconnect())
