import { pathToFileURL } from 'node:url'
import { readDecisionJob, timedDecision } from './decision-job.js'

/** As much of node-llama-cpp's interface as is used here; the bench does not depend on it. */
interface NodeLlamaCpp {
  getLlama(options: object): Promise<{ loadModel(options: object): Promise<Model> }>
}
interface Model {
  createDecisionContext(options: object): Promise<DecisionContext>
}
interface DecisionContext {
  decide(document: string, questions: Record<string, object>): Promise<object>
}

const job = readDecisionJob()
const { getLlama }: NodeLlamaCpp = await import(pathToFileURL(job.module).href)

const llama = await getLlama({ gpu: false, build: 'never', maxThreads: job.threads })
const model = await llama.loadModel({ modelPath: job.model })
// It has no setting of the KV cache's type here: f16, as Sluice has it by default.
const context = await model.createDecisionContext({
  parallelQuestions: job.sequences,
  contextSize: job.context,
  batchSize: 512,
  threads: job.threads,
})
await timedDecision(job, (state, questions) => {
  const asked = questions.map((instruction, i) => [`q${i}`, { type: 'noul', instruction }])
  return context.decide(state, Object.fromEntries(asked))
})
process.exit() // its threads would keep the process alive
