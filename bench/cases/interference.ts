import { setTimeout as sleep } from 'node:timers/promises'
import { chat } from '../client/chat.js'
import { ask } from '../client/prompts.js'
import { type Metric, rowsOf } from '../report/row.js'
import { withPair } from '../servers/pair.js'
import type { ServerProcess } from '../servers/server-process.js'
import { type BenchCase, contextFor, modelsOf, serverSettings } from './bench-case.js'
import { besideStreams, promptWords } from './streams.js'

const longPrompt = 4000
const streams = 2
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
  return besideStreams(port, streams, longPrompt, async (pauseOf) => {
    await sleep(1000)
    const long = chat(port, { messages: ask(longPrompt), maxTokens: 8 })
    await sleep(behindMs)
    const short = chat(port, { messages: ask(promptWords), maxTokens: 8 })
    await Promise.all([long.done, short.done])
    return {
      pause: await pauseOf(long.sentAt, await long.firstText),
      usual: await pauseOf(0, long.sentAt),
      short: await short.firstWait,
      long: await long.firstWait,
    }
  })
}
