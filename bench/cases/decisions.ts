import path from 'node:path'
import { run } from '../../scripts/support/run.mjs'
import { Stop } from '../../scripts/support/stop.mjs'
import type { DecisionJob, DecisionOutcome } from '../in-process/decision-job.js'
import { inRoot } from '../paths.js'
import { type Metric, type Row, rowsOf } from '../report/row.js'
import { alternately } from '../servers/pair.js'
import { modelFile } from '../setup/models.js'
import { nodeLlamaCpp } from '../setup/node-llama-cpp.js'
import { type BenchCase, modelsOf } from './bench-case.js'

const stateTokens = 1000
const context = 2048
const deadlineMs = 180_000

const metrics = {
  decideMs: { label: 'all answers', unit: 'ms', better: 'lower' },
} satisfies Record<string, Metric>

export const decisions: BenchCase = {
  name: 'decisions',
  about: 'questions about one state of 1,000 tokens, against node-llama-cpp’s decide()',
  async run(options) {
    const rival = await nodeLlamaCpp()
    const rows: Row[] = []
    const { threads, fixesThreads, quick } = options
    const questions = quick ? 8 : 32
    for (const model of modelsOf(options, 'small')) {
      for (const sequences of [4, 32]) {
        const settings = { sequences, context, threads, fixesThreads, stateTokens, questions }
        const job = { model: modelFile(model), ...settings }
        const samples = await alternately(
          options.rounds,
          () => child('sluice-decides.js', { ...job, module: inRoot('dist/index.js') }),
          () => child('node-llama-cpp-decides.js', { ...job, module: rival }),
        )
        const situation = `${questions} questions, ${sequences} at once`
        const heading = { case: 'decisions', model, situation, rival: 'node-llama-cpp' }
        rows.push(...rowsOf(heading, metrics, samples))
      }
    }
    return rows
  },
}

async function child(script: string, job: DecisionJob): Promise<DecisionOutcome> {
  const file = path.join(import.meta.dirname, '../in-process', script)
  const args = [file, JSON.stringify(job)]
  const { status, output } = await run(process.execPath, args, { quiet: true, timeout: deadlineMs })
  const json = /\{"decideMs".*\}/.exec(output)
  if (status === 0 && json) return JSON.parse(json[0])
  throw new Stop(`${script} failed:\n${output.slice(-2000)}`)
}
