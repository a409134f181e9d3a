import { pathToFileURL } from 'node:url'
import { readDecisionJob, timedDecision } from './decision-job.js'

const job = readDecisionJob()
const sluice: typeof import('../../src/index.js') = await import(pathToFileURL(job.module).href)

const { model, context, sequences: parallel } = job
const threads = job.fixesThreads ? { threads: job.threads } : {}
const engine = await sluice.load({ model, parallel, context, ...threads })
await timedDecision(job, (state, questions) => {
  const asked = questions.map((instructions) => ({ type: 'predicate', instructions }) as const)
  return engine.decide(state, asked)
})
await engine.close()
