import { setTimeout as sleep } from 'node:timers/promises'
import { Stop } from '../../scripts/support/stop.mjs'
import { type ChatCall, type ChatResult, chat } from '../client/chat.js'
import { ask } from '../client/prompts.js'
import { gaps, percentile, sum } from '../report/statistics.js'
import type { ModelName } from '../setup/models.js'
import { type BenchOptions, contextFor } from './bench-case.js'

/** Streams that start together, each with a short prompt of its own. */
export interface Load {
  streams: number
  /** Tokens of each reply: more where there are few streams, so that a run takes its second. */
  tokens: number
}

export const promptWords = 32

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

export function loadsOf({ quick }: BenchOptions, model: ModelName): Load[] {
  if (!quick) return loads[model]
  const isShort = ({ streams }: Load) => streams === 8 || (model === 'tiny' && streams === 32)
  return loads[model]
    .filter(isShort)
    .map(({ streams, tokens }) => ({ streams, tokens: tokens / 2 }))
}

export function contextOf(load: Load): number {
  return contextFor(promptWords + load.tokens)
}

export function situationOf({ streams }: Load, temperature: number): string {
  const manner = temperature === 0 ? 'greedy' : `temperature ${temperature}`
  return `${streams} ${streams === 1 ? 'stream' : 'streams'}, ${manner}`
}

/** @param fields further ones of each request's body */
export async function runStreams(
  port: number,
  { streams, tokens }: Load,
  temperature: number,
  fields: object = {},
) {
  const calls = Array.from({ length: streams }, () => {
    return chat(port, { messages: ask(promptWords), maxTokens: tokens, temperature, fields })
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

/** Tokens/s of one stream from its first text on. */
function decodeSpeed({ arrivals }: ChatCall, { completionTokens }: ChatResult): number {
  const first = arrivals[0] as number
  const last = arrivals.at(-1) as number
  return ((completionTokens - 1) / (last - first)) * 1000
}

/** The longest pause of any of the streams that touches the time between `from` and `to`, in ms. */
export type PauseOf = (from: number, to: number) => Promise<number>

/** While so many streams run, each with room for so many tokens. They leave whatever happens. */
export async function besideStreams<T>(
  port: number,
  count: number,
  tokens: number,
  use: (pauseOf: PauseOf) => Promise<T>,
): Promise<T> {
  const streams = Array.from({ length: count }, () => {
    return chat(port, { messages: ask(promptWords), maxTokens: tokens })
  })
  try {
    await Promise.all(streams.map((call) => call.firstText))
    return await use(async (from, to) => {
      await Promise.all(streams.map(({ arrivals }) => arrivalAfter(arrivals, to)))
      return Math.max(...streams.map(({ arrivals }) => longestGap(arrivals, from, to)))
    })
  } finally {
    for (const stream of streams) stream.leave()
  }
}

const arrivalDeadlineMs = 60_000

/** A pause that began before that time is over then. */
async function arrivalAfter(arrivals: readonly number[], time: number): Promise<void> {
  const deadline = performance.now() + arrivalDeadlineMs
  while ((arrivals.at(-1) ?? 0) <= time) {
    if (performance.now() > deadline) throw new Stop('A stream ended before it was looked at.')
    await sleep(1)
  }
}

function longestGap(arrivals: readonly number[], from: number, to: number): number {
  const first = Math.max(0, arrivals.findIndex((at) => at >= from) - 1)
  const last = arrivals.findIndex((at) => at > to)
  return Math.max(...gaps(arrivals.slice(first, last < 0 ? undefined : last + 1)))
}
