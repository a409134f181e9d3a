import { pathToFileURL } from 'node:url'
import { readDecisionJob, runDecisions } from './decision-job.js'

/** As much of node-llama-cpp's interface as is used here; the bench does not depend on it. */
interface NodeLlamaCpp {
  getLlama(options: object): Promise<{ loadModel(options: object): Promise<Model> }>
}
interface Model {
  createDecisionContext(options: object): Promise<DecisionContext>
}
interface DecisionContext {
  decide(
    document: string,
    questions: Record<string, object>,
  ): Promise<Record<string, { value?: number; choice?: string }>>
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
await runDecisions(job, async (state, questions) => {
  const asked = questions.map(({ instructions: instruction, choices }, i) => {
    const named = choices?.map((choice) => [choice, null] as const)
    const question = named
      ? { type: 'choice', instruction, criteria: Object.fromEntries(named) }
      : { type: 'noul', instruction }
    return [`q${i}`, question] as const
  })
  const answers = await context.decide(state, Object.fromEntries(asked))
  return asked.map(([id]) => {
    const { choice, value = 0 } = answers[id] ?? {}
    return choice ?? value > 0.5
  })
})
process.exit() // its threads would keep the process alive
