import fs from 'node:fs'
import { isMainThread, parentPort, Worker } from 'node:worker_threads'
import { load } from 'sluice'
import { ask, endless } from '../common.mjs'

/** Ends as ENDING says, with an engine that has a process of its own, which it tells the id of. */
const model = process.env.MODEL
const children = () => {
  const { pid } = process
  const tasks = fs.readdirSync(`/proc/${pid}/task`)
  return tasks.flatMap((task) => {
    const text = fs.readFileSync(`/proc/${pid}/task/${task}/children`, 'utf8')
    return text.split(' ').filter(Boolean).map(Number)
  })
}

async function decoding() {
  const engine = await load({ model, isolation: 'process' })
  const reply = engine.chat(ask, endless)
  reply.text().catch(() => undefined)
  await reply.accepted
  while (engine.stats().tokensGenerated < 20) await new Promise((resolve) => setTimeout(resolve, 1))
  return { engine, reply }
}

const tell = () =>
  new Promise((resolve) =>
    process.send({ pids: children() }, () => {
      process.disconnect()
      resolve()
    }),
  )

const endings = {
  async closes() {
    const { engine } = await decoding()
    await tell()
    await engine.close()
  },
  async idle() {
    const { reply } = await decoding()
    reply.cancel()
    await reply.done
    await tell()
  },
  async exits() {
    await decoding()
    await tell()
    process.exit(3)
  },
  async throws() {
    await decoding()
    await tell()
    setImmediate(() => {
      throw new Error('as the test wants')
    })
  },
  async terminates() {
    const worker = new Worker(new URL(import.meta.url))
    await new Promise((resolve) => worker.once('message', resolve))
    await tell()
    await worker.terminate()
  },
}

if (isMainThread) await endings[process.env.ENDING]()
else {
  await decoding()
  parentPort.postMessage('decoding')
}
