// beside-node-llama-cpp.mjs FOLDER MODEL FIRST: one process with Sluice and with node-llama-cpp,
// which is installed in FOLDER. FIRST, 'sluice' or 'other', is loaded before the other one.
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import { load } from 'sluice'

const [folder, model, first] = process.argv.slice(2)
const prompt = 'Once upon a time, in a garden,'

async function openSluice() {
  const engine = await load({ model, context: 512 })
  const greedy = { maxTokens: 30, temperature: 0 }
  const write = () => engine.complete(prompt, greedy).text()
  return { write, close: () => engine.close() }
}

async function openOther() {
  const entry = path.join(folder, 'node_modules/node-llama-cpp/dist/index.js')
  const { getLlama, LlamaCompletion, LlamaLogLevel } = await import(pathToFileURL(entry).href)
  const quiet = { progressLogs: false, logLevel: LlamaLogLevel.error }
  const options = { gpu: false, build: 'never', maxThreads: 1, ...quiet }
  const llama = await getLlama(options)
  const loaded = await llama.loadModel({ modelPath: model })
  const context = await loaded.createContext({ contextSize: 512 })
  const completion = new LlamaCompletion({ contextSequence: context.getSequence() })
  const write = () => completion.generateCompletion(prompt, { maxTokens: 30, temperature: 0 })
  return { write, close: () => llama.dispose() }
}

const openers = first === 'sluice' ? [openSluice, openOther] : [openOther, openSluice]
const alone = await openers[0]()
const expected = await alone.write()
const beside = await openers[1]()
const other = await beside.write()
for (let round = 0; round < 3; round++) {
  const [again, too] = await Promise.all([alone.write(), beside.write()])
  if (again !== expected || too !== other) console.log('changed', { expected, again, other, too })
}
console.log('wrote', expected.length > 60, other.length > 60)
// One is closed while the other one writes.
const writing = beside.write()
await alone.close()
console.log('goes on', (await writing) === other)
await beside.close()
