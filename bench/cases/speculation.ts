import { inRoot } from '../paths.js'
import { type Metric, type Row, rowsOf } from '../report/row.js'
import type { Samples } from '../servers/pair.js'
import { modelFile } from '../setup/models.js'
import { type BenchCase, contextFor, modelsOf } from './bench-case.js'
import { child } from './in-process.js'

const tokens = 192

const metrics = {
  tokensPerSecond: { label: 'throughput', unit: 'tokens/s', better: 'higher' },
} satisfies Record<string, Metric>

/**
 * The model as its own draft: all it drafts is right, so that what is left is what the machine
 * makes of it. A draft costs as much as a step, so a gain shows only in the steps that are saved.
 */
const drafts = [
  { situation: 'its own draft, as many as pay', draftMax: undefined },
  { situation: 'its own draft, always 4 tokens', draftMax: 4 },
]

export const speculation: BenchCase = {
  name: 'speculation',
  about: 'one reply in process, with a draft that is always right and without',
  async run(options) {
    const { threads, fixesThreads, kvType, rounds } = options
    const rows: Row[] = []
    for (const name of modelsOf(options, 'small')) {
      const model = modelFile(name)
      const own = { model, sequences: 1, tokens, context: contextFor(tokens + 32), temperature: 0 }
      const job = { ...own, threads, fixesThreads, kvType, module: inRoot('dist/index.js') }
      for (const { situation, draftMax } of drafts) {
        const drafting = { ...job, draft: model, ...(draftMax === undefined ? {} : { draftMax }) }
        const samples: Samples<{ tokensPerSecond: number }> = { sluice: [], rival: [] }
        for (let round = 0; round < rounds; round++) {
          samples.sluice.push(await child('sluice.js', drafting))
          samples.rival.push(await child('sluice.js', job))
        }
        const heading = { case: 'speculation', model: name, situation, rival: 'without' }
        rows.push(...rowsOf(heading, metrics, samples))
      }
    }
    return rows
  },
}
