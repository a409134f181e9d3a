import { pathToFileURL } from 'node:url'
import { words } from '../client/prompts.js'
import { sum } from '../report/statistics.js'
import { readJob, timed } from './job.js'

/** As much of node-llama-cpp's interface as is used here; the bench does not depend on it. */
interface NodeLlamaCpp {
  getLlama(options: object): Promise<{ loadModel(options: object): Promise<Model> }>
}
interface Model {
  tokenize(text: string): number[]
  detokenize(tokens: number[]): string
  createContext(options: object): Promise<{ getSequence(): Sequence }>
}
interface Sequence {
  evaluate(tokens: number[], options: object): AsyncGenerator<number>
  clearHistory(): Promise<void>
}

const job = readJob()
const { getLlama }: NodeLlamaCpp = await import(pathToFileURL(job.module).href)

const llama = await getLlama({ gpu: false, build: 'never', maxThreads: job.threads })
const model = await llama.loadModel({ modelPath: job.model })
const kvType = job.kvType === 'f16' ? 'F16' : 'Q8_0'
const context = await model.createContext({
  sequences: job.sequences,
  contextSize: job.context,
  batchSize: 512,
  threads: job.threads,
  flashAttention: true,
  experimentalKvCacheKeyType: kvType,
  experimentalKvCacheValueType: kvType,
})
const sequences = Array.from({ length: job.sequences }, () => context.getSequence())
await timed(async () => sum(await Promise.all(sequences.map(readOne))))
process.exit() // its threads would keep the process alive

/**
 * Token by token, which is its fastest way: LlamaCompletion and LlamaChatSession are built upon it
 * and add checks to every token.
 */
async function readOne(sequence: Sequence): Promise<number> {
  await sequence.clearHistory()
  const { temperature } = job
  const sampling = { temperature, topK: 40, topP: 0.95, minP: 0.05, yieldEogToken: true }
  let count = 0
  for await (const token of sequence.evaluate(model.tokenize(words(32)), sampling)) {
    model.detokenize([token])
    if (++count === job.tokens) break
  }
  return count
}
