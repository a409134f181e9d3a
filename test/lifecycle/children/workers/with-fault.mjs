import { parentPort, workerData } from 'node:worker_threads'
import '../failing.mjs'
import { load } from 'sluice'

const engine = await load({ model: workerData.model })
// Long enough to meet the fault: an engine that waits for work keeps no worker alive.
const endless = { ignoreEos: true, maxTokens: 8000 }
const asked = engine.chat([{ role: 'user', content: 'Tell me a story' }], endless)
const told = await asked.done.catch(({ code }) => code)
const failure = await engine.ended
parentPort.postMessage({ told, code: failure?.code, cause: failure?.cause?.code })
