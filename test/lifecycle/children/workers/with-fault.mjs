import { parentPort, workerData } from 'node:worker_threads'
import '../failing.mjs'
import { load } from 'sluice'

const hold = setInterval(() => undefined, 1000) // an engine that fails holds no event loop
const engine = await load({ model: workerData.model })
const asked = engine.chat([{ role: 'user', content: 'Tell me a story' }], { maxTokens: 50 })
const told = await asked.done.catch(({ code }) => code)
const failure = await engine.ended
parentPort.postMessage({ told, code: failure?.code, cause: failure?.cause?.code })
clearInterval(hold)
