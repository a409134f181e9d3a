import { setTimeout as sleep } from 'node:timers/promises'
import { type ChatCall, chat } from '../client/chat.js'
import { ask } from '../client/prompts.js'
import { type Metric, type Row, rowsOf } from '../report/row.js'
import { median } from '../report/statistics.js'
import { withPair } from '../servers/pair.js'
import type { ServerProcess } from '../servers/server-process.js'
import {
  type BenchCase,
  type BenchOptions,
  contextFor,
  modelsOf,
  serverSettings,
} from './bench-case.js'
import { besideStreams, promptWords } from './streams.js'

const longPrompt = 6000
const context = contextFor(longPrompt + 256)
/** How long the client of the long prompt stays: well within its prefill. */
const staysMs = 500

const metrics = {
  usual: { label: 'first token, the slot being free', unit: 'ms', better: 'lower' },
  decode: { label: 'extra after a client left in decode', unit: 'ms', better: 'lower' },
  prefill: { label: 'extra after a client left in prefill', unit: 'ms', better: 'lower' },
} satisfies Record<string, Metric>

export const cancellation: BenchCase = {
  name: 'cancellation',
  about: 'a client leaves; how much later than usual its slot answers the next one',
  async run(options) {
    const [model = 'small'] = modelsOf(options, 'small')
    const rows: Row[] = []
    for (const others of [0, 3]) {
      const settings = serverSettings(options, model, { parallel: others + 1, context })
      const samples = await withPair(settings, (pair) =>
        pair.measure(options.rounds, (server) => leaveBeside(server, others, options)),
      )
      const situation = others === 0 ? 'idle, one slot' : `${others} other streams`
      rows.push(...rowsOf({ case: 'cancellation', model, situation }, metrics, samples))
    }
    return rows
  },
}

async function leaveBeside({ port }: ServerProcess, others: number, { quick }: BenchOptions) {
  const times = quick ? 1 : 3
  const waits = await besideStreams(port, others, longPrompt, async () => ({
    usual: await medianOf(times, () => nextAnswer(port)),
    decode: await medianOf(times, async () => {
      const leaving = chat(port, { messages: ask(promptWords), maxTokens: longPrompt })
      await leaving.firstText
      await sleep(100)
      leaving.leave()
      return nextAnswer(port)
    }),
    prefill: await medianOf(times, async () => {
      await leaveInPrefill(port)
      return nextAnswer(port)
    }),
  }))
  await sleep(500) // the next round finds them gone
  const { usual, decode, prefill } = waits
  return { usual, decode: decode - usual, prefill: prefill - usual }
}

async function leaveInPrefill(port: number): Promise<void> {
  const leaving: ChatCall = chat(port, { messages: ask(longPrompt), maxTokens: 8 })
  await sleep(staysMs)
  if (leaving.arrivals.length > 0) throw new Error('the prompt was over before its client left')
  leaving.leave()
}

/** @returns ms until the first text of a short prompt, which then has ended */
async function nextAnswer(port: number): Promise<number> {
  const call = chat(port, { messages: ask(promptWords), maxTokens: 8 })
  await call.done
  return call.firstWait
}

async function medianOf(times: number, once: () => Promise<number>): Promise<number> {
  const values: number[] = []
  for (let i = 0; i < times; i++) values.push(await once())
  return median(values)
}
