import { setTimeout as sleep } from 'node:timers/promises'
import { chat } from '../client/chat.js'
import { ask } from '../client/prompts.js'
import { type Metric, type Row, rowsOf } from '../report/row.js'
import { percentile } from '../report/statistics.js'
import { type Pair, withPair } from '../servers/pair.js'
import type { ServerProcess } from '../servers/server-process.js'
import {
  type BenchCase,
  type BenchOptions,
  contextFor,
  modelsOf,
  serverSettings,
} from './bench-case.js'
import { promptWords } from './streams.js'

const lengths = [500, 4000, 12_000]
const longPrompt = 4000
/** The short prompt comes so much after the long one. */
const behindMs = 500
const prompts = 8
/** Not one: a token of random weights may be no whole character, and then has no text. */
const replyTokens = 8

const alone = {
  first: { label: 'first token', unit: 'ms', better: 'lower' },
} satisfies Record<string, Metric>

const behind = {
  short: { label: 'first token of the short prompt', unit: 'ms', better: 'lower' },
  long: { label: 'first token of the long prompt', unit: 'ms', better: 'lower' },
} satisfies Record<string, Metric>

const together = {
  first50: { label: 'first token p50', unit: 'ms', better: 'lower' },
  last: { label: 'first token of the last', unit: 'ms', better: 'lower' },
} satisfies Record<string, Metric>

export const prefill: BenchCase = {
  name: 'prefill',
  about: 'nobody generates: a prompt alone, a short one behind a long one, eight at once',
  async run(options) {
    const [model = 'small'] = modelsOf(options, 'small')
    const counted = options.quick ? lengths.slice(0, 1) : lengths
    const context = contextFor(Math.max(longPrompt, ...counted) + 64)
    const settings = serverSettings(options, model, { parallel: 2, context })
    const rows = await withPair(settings, (pair) => rowsOfLong(pair, options, model, counted))
    const small = { parallel: prompts, context: contextFor(promptWords + 16) }
    return withPair(serverSettings(options, model, small), async (pair) => {
      const samples = await pair.measure(options.rounds, atOnce)
      const heading = { case: 'prefill', model, situation: `${prompts} prompts at once` }
      return [...rows, ...rowsOf(heading, together, samples)]
    })
  },
}

async function rowsOfLong(
  pair: Pair,
  { rounds }: BenchOptions,
  model: string,
  counted: readonly number[],
): Promise<Row[]> {
  const rows: Row[] = []
  for (const length of counted) {
    const samples = await pair.measure(rounds, async ({ port }) => ({
      first: await firstToken(port, length),
    }))
    const situation = `alone, ${length.toLocaleString('en')} tokens`
    rows.push(...rowsOf({ case: 'prefill', model, situation }, alone, samples))
  }
  const samples = await pair.measure(rounds, shortBehindLong)
  const situation = `32 tokens behind ${longPrompt.toLocaleString('en')}`
  return [...rows, ...rowsOf({ case: 'prefill', model, situation }, behind, samples)]
}

async function firstToken(port: number, length: number): Promise<number> {
  const call = chat(port, { messages: ask(length), maxTokens: replyTokens })
  await call.done
  return call.firstWait
}

async function shortBehindLong({ port }: ServerProcess) {
  const long = chat(port, { messages: ask(longPrompt), maxTokens: replyTokens })
  await sleep(behindMs)
  const short = chat(port, { messages: ask(promptWords), maxTokens: replyTokens })
  await Promise.all([long.done, short.done])
  return { short: await short.firstWait, long: await long.firstWait }
}

async function atOnce({ port }: ServerProcess) {
  const calls = Array.from({ length: prompts }, () =>
    chat(port, { messages: ask(promptWords), maxTokens: replyTokens }),
  )
  await Promise.all(calls.map((call) => call.done))
  const waits = await Promise.all(calls.map((call) => call.firstWait))
  return { first50: percentile(waits, 50), last: Math.max(...waits) }
}
