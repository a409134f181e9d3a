import { once } from 'node:events'
import os from 'node:os'
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads'
import { estimate, load } from 'sluice'

os.freemem = () => 2 ** 31

if (isMainThread) {
  const model = process.argv[2]
  // What an engine of this thread may count on: before the worker has one, then, and afterwards.
  const free = async () => (await estimate(model)).freeBytes
  const told = [await free()]
  const worker = new Worker(new URL(import.meta.url), { workerData: model })
  await once(worker, 'message')
  told.push(await free())
  await worker.terminate()
  told.push(await free())
  process.send(told, () => process.disconnect())
} else {
  await load({ model: workerData })
  parentPort.postMessage('loaded')
  parentPort.ref() // until it is terminated
}
