import type { Job } from '../in-process/job.js'
import { inRoot } from '../paths.js'
import { type Metric, type Row, rowsOf } from '../report/row.js'
import { alternately } from '../servers/pair.js'
import { type ModelName, modelFile, modelThatEdits } from '../setup/models.js'
import { type BenchCase, type BenchOptions, contextFor, modelsOf } from './bench-case.js'
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

/** Of a text of 1,000 words, 25 of them replaced; the replies are the same with and without. */
const editTokens = 1000
const edits = [
  { situation: 'an edit, looked up', sequences: 1, replyTokens: editTokens },
  { situation: '4 edits at once, looked up', sequences: 4, replyTokens: 250 },
]

export const speculation: BenchCase = {
  name: 'speculation',
  about: 'in process: drafts that are always right, edits whose words are looked up; and without',
  async run(options) {
    const { threads, fixesThreads, kvType } = options
    const rows: Row[] = []
    for (const name of modelsOf(options, 'small')) {
      const model = modelFile(name)
      const own = { model, sequences: 1, tokens, context: contextFor(tokens + 32), temperature: 0 }
      const job = { ...own, threads, fixesThreads, kvType, module: inRoot('dist/index.js') }
      for (const { situation, draftMax } of drafts) {
        const drafting = { draft: model, ...(draftMax === undefined ? {} : { draftMax }) }
        rows.push(...(await compare(options, name, situation, job, drafting)))
      }
      for (const { situation, sequences, replyTokens } of edits) {
        const { reply, ...edit } = modelThatEdits(name)
        const text = {
          ...edit,
          reply,
          tokens: replyTokens,
          context: contextFor(2 * editTokens + 64),
        }
        const looking = { lookup: true }
        rows.push(
          ...(await compare(options, name, situation, { ...job, ...text, sequences }, looking)),
        )
      }
    }
    return rows
  },
}

/** Each in a new process: with what speculates, and without. */
async function compare(
  { rounds }: BenchOptions,
  model: ModelName,
  situation: string,
  job: Job,
  speculating: Partial<Job>,
): Promise<Row[]> {
  const samples = await alternately(
    rounds,
    () => child('sluice.js', { ...job, ...speculating }),
    () => child('sluice.js', job),
  )
  const heading = { case: 'speculation', model, situation, rival: 'without' }
  return rowsOf(heading, metrics, samples)
}
