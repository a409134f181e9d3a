import { pathToFileURL } from 'node:url'
import { readDecisionJob, runDecisions } from './decision-job.js'

const job = readDecisionJob()
const sluice: typeof import('../../src/index.js') = await import(pathToFileURL(job.module).href)

const { model, context, sequences: parallel } = job
const threads = job.fixesThreads ? { threads: job.threads } : {}
const engine = await sluice.load({ model, parallel, context, ...threads })
await runDecisions(job, async (state, questions) => {
  const asked = questions.map(({ instructions, choices, begins }) => {
    if (choices === undefined) return { type: 'predicate', instructions } as const
    // What is to be gone on with says it all.
    if (begins !== undefined) return { type: 'choice', choices, begins } as const
    return { type: 'choice', instructions, choices } as const
  })
  const { answers } = await engine.decide(state, asked)
  return answers.map((one) => (one.type === 'choice' ? one.choice : one.probability > 0.5))
})
await engine.close()
