import { type ChatCall, type ChatResult, chat } from '../client/chat.js'
import { ask } from '../client/prompts.js'
import { type Metric, type Row, rowsOf } from '../report/row.js'
import { gaps, percentile, sum } from '../report/statistics.js'
import { withPair } from '../servers/pair.js'
import type { ModelName } from '../setup/models.js'
import {
  type BenchCase,
  type BenchOptions,
  contextFor,
  modelsOf,
  serverSettings,
} from './bench-case.js'

interface Load {
  streams: number
  /** Tokens of each reply: more where there are few streams, so that a run takes its second. */
  tokens: number
}

const promptWords = 32
const temperatures = [0, 0.8]

const loads: Record<ModelName, Load[]> = {
  tiny: [
    { streams: 1, tokens: 1024 },
    { streams: 8, tokens: 512 },
    { streams: 32, tokens: 256 },
    { streams: 128, tokens: 128 },
  ],
  small: [
    { streams: 1, tokens: 96 },
    { streams: 8, tokens: 64 },
    { streams: 32, tokens: 32 },
  ],
  big: [
    { streams: 1, tokens: 64 },
    { streams: 8, tokens: 32 },
  ],
}

const metrics = {
  throughput: { label: 'throughput', unit: 'tokens/s', better: 'higher' },
  decode: { label: 'decode', unit: 'tokens/s', better: 'higher' },
  ttft50: { label: 'first token p50', unit: 'ms', better: 'lower' },
  ttft99: { label: 'first token p99', unit: 'ms', better: 'lower' },
  gap50: { label: 'between tokens p50', unit: 'ms', better: 'lower' },
  gap99: { label: 'between tokens p99', unit: 'ms', better: 'lower' },
} satisfies Record<string, Metric>

export const throughput: BenchCase = {
  name: 'throughput',
  about: 'streams that start together: tokens/s, first token, time between tokens',
  async run(options) {
    const rows: Row[] = []
    for (const model of modelsOf(options, 'tiny', 'small')) {
      for (const load of loadsOf(options, model)) rows.push(...(await rowsAt(options, model, load)))
    }
    return rows
  },
}

function loadsOf({ quick }: BenchOptions, model: ModelName): Load[] {
  if (!quick) return loads[model]
  const isShort = ({ streams }: Load) => streams === 8 || (model === 'tiny' && streams === 32)
  return loads[model]
    .filter(isShort)
    .map(({ streams, tokens }) => ({ streams, tokens: tokens / 2 }))
}

async function rowsAt(options: BenchOptions, model: ModelName, load: Load): Promise<Row[]> {
  const context = contextFor(promptWords + load.tokens)
  const settings = serverSettings(options, model, { parallel: load.streams, context })
  return withPair(settings, async (pair) => {
    const rows: Row[] = []
    for (const temperature of temperatures) {
      const once = ({ port }: { port: number }) => runStreams(port, load, temperature)
      const samples = await pair.measure(options.rounds, once)
      const manner = temperature === 0 ? 'greedy' : `temperature ${temperature}`
      const situation = `${load.streams} ${load.streams === 1 ? 'stream' : 'streams'}, ${manner}`
      rows.push(...rowsOf({ case: throughput.name, model, situation }, metrics, samples))
    }
    return rows
  })
}

async function runStreams(port: number, { streams, tokens }: Load, temperature: number) {
  const calls = Array.from({ length: streams }, () => {
    return chat(port, { messages: ask(promptWords), maxTokens: tokens, temperature })
  })
  const results = await Promise.all(calls.map((call) => call.done))
  const total = sum(results.map((result) => result.completionTokens))
  const start = Math.min(...calls.map((call) => call.sentAt))
  const end = Math.max(...calls.map((call) => call.arrivals.at(-1) as number))
  const waits = calls.map((call) => (call.arrivals[0] as number) - call.sentAt)
  const pauses = calls.flatMap((call) => gaps(call.arrivals))
  return {
    throughput: (total / (end - start)) * 1000,
    decode: sum(calls.map((call, i) => decodeSpeed(call, results[i] as ChatResult))),
    ttft50: percentile(waits, 50),
    ttft99: percentile(waits, 99),
    gap50: percentile(pauses, 50),
    gap99: percentile(pauses, 99),
  }
}

/** Tokens/s of one stream from its first text on: what llama_decode alone is compared with. */
function decodeSpeed({ arrivals }: ChatCall, { completionTokens }: ChatResult): number {
  const first = arrivals[0] as number
  const last = arrivals.at(-1) as number
  return ((completionTokens - 1) / (last - first)) * 1000
}
