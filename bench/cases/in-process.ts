import { runChild } from '../in-process/child.js'
import type { Job, Outcome } from '../in-process/job.js'
import { inRoot } from '../paths.js'
import { type Metric, type Row, rowsOf } from '../report/row.js'
import { alternately } from '../servers/pair.js'
import { type ModelName, modelFile } from '../setup/models.js'
import { nodeLlamaCpp } from '../setup/node-llama-cpp.js'
import { type BenchCase, type BenchOptions, contextFor, modelsOf } from './bench-case.js'

const sequences = 8
const deadlineMs = 120_000
const tokens: Record<ModelName, number> = { tiny: 256, small: 64, big: 32 }

const metrics = {
  tokensPerSecond: { label: 'throughput', unit: 'tokens/s', better: 'higher' },
} satisfies Record<string, Metric>

export const inProcess: BenchCase = {
  name: 'in-process',
  about: 'the JavaScript API, 8 replies at once, against node-llama-cpp',
  async run(options) {
    const rival = await nodeLlamaCpp()
    const rows: Row[] = []
    for (const model of modelsOf(options, 'tiny', 'small')) {
      for (const temperature of [0, 0.8]) {
        const samples = await measure(options, jobOf(options, model, temperature), rival)
        const situation = `8 replies, ${temperature === 0 ? 'greedy' : 'temperature 0.8'}`
        const heading = { case: 'in-process', model, situation, rival: 'node-llama-cpp' }
        rows.push(...rowsOf(heading, metrics, samples))
      }
    }
    return rows
  },
}

function jobOf(
  { threads, fixesThreads, kvType, quick }: BenchOptions,
  model: ModelName,
  temperature: number,
) {
  const each = quick ? tokens[model] / 4 : tokens[model]
  const file = modelFile(model)
  const context = contextFor(each + 32)
  return {
    model: file,
    sequences,
    tokens: each,
    context,
    threads,
    fixesThreads,
    kvType,
    temperature,
  }
}

/** Each in a new process. */
function measure({ rounds }: BenchOptions, job: Omit<Job, 'module'>, rival: string) {
  return alternately(
    rounds,
    () => child('sluice.js', { ...job, module: inRoot('dist/index.js') }),
    () => child('node-llama-cpp.js', { ...job, module: rival }),
  )
}

export function child(script: string, job: Job): Promise<Outcome> {
  return runChild(script, job, 'tokensPerSecond', deadlineMs)
}
