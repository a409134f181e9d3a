import { setTimeout as sleep } from 'node:timers/promises'
import { Stop } from '../../scripts/support/stop.mjs'
import { chat } from '../client/chat.js'
import { ask } from '../client/prompts.js'
import { type Metric, rowsOf } from '../report/row.js'
import { gaps } from '../report/statistics.js'
import { withPair } from '../servers/pair.js'
import type { ServerProcess } from '../servers/server-process.js'
import { type BenchCase, contextFor, modelsOf, serverSettings } from './bench-case.js'

const longPrompt = 4000
const streams = 2
const arrivalDeadlineMs = 60_000
/** The short prompt comes so much after the long one. */
const behindMs = 100

const metrics = {
  pause: { label: 'longest pause of running streams', unit: 'ms', better: 'lower' },
  usual: { label: 'longest pause before that', unit: 'ms', better: 'lower' },
  short: { label: 'first token of the short prompt', unit: 'ms', better: 'lower' },
  long: { label: 'first token of the long prompt', unit: 'ms', better: 'lower' },
} satisfies Record<string, Metric>

export const interference: BenchCase = {
  name: 'interference',
  about: 'two streams run, a prompt of 4,000 tokens arrives, and a short one just behind it',
  async run(options) {
    const [model = 'small'] = modelsOf(options, 'small')
    const context = contextFor(longPrompt + 256)
    const settings = serverSettings(options, model, { parallel: streams + 2, context })
    const samples = await withPair(settings, (pair) => pair.measure(options.rounds, disturb))
    return rowsOf({ case: 'interference', model, situation: '4,000 tokens' }, metrics, samples)
  },
}

async function disturb({ port }: ServerProcess) {
  const running = Array.from({ length: streams }, () =>
    chat(port, { messages: ask(32), maxTokens: longPrompt }),
  )
  await Promise.all(running.map((call) => call.firstText))
  await sleep(1000)
  const long = chat(port, { messages: ask(longPrompt), maxTokens: 8 })
  await sleep(behindMs)
  const short = chat(port, { messages: ask(32), maxTokens: 8 })
  const [longAt, shortAt] = await Promise.all([long.firstText, short.firstText])
  await Promise.all([long.done, short.done])
  // A pause that began before the long prompt's first token is over by now.
  await Promise.all(running.map(({ arrivals }) => nextArrival(arrivals)))
  for (const call of running) call.leave()
  const arrivals = running.map((call) => call.arrivals)
  return {
    pause: longestGap(arrivals, long.sentAt, longAt),
    usual: longestGap(arrivals, 0, long.sentAt),
    short: shortAt - short.sentAt,
    long: longAt - long.sentAt,
  }
}

export async function nextArrival(arrivals: readonly number[]): Promise<void> {
  const before = arrivals.length
  const deadline = performance.now() + arrivalDeadlineMs
  while (arrivals.length === before) {
    if (performance.now() > deadline) throw new Stop('A stream ended before it was looked at.')
    await sleep(1)
  }
}

/** The longest gap of any stream that touches the time between `from` and `to`. */
export function longestGap(streams: (readonly number[])[], from: number, to: number): number {
  const touching = streams.flatMap((arrivals) => {
    const first = Math.max(0, arrivals.findIndex((at) => at >= from) - 1)
    const last = arrivals.findIndex((at) => at > to)
    return gaps(arrivals.slice(first, last < 0 ? undefined : last + 1))
  })
  return Math.max(...touching)
}
