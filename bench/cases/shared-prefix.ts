import { chat } from '../client/chat.js'
import { ask, words } from '../client/prompts.js'
import { type Metric, rowsOf } from '../report/row.js'
import { percentile, sum } from '../report/statistics.js'
import { withPair } from '../servers/pair.js'
import type { ServerProcess } from '../servers/server-process.js'
import { type BenchCase, contextFor, modelsOf, serverSettings } from './bench-case.js'

const clients = 16
const systemWords = 600
const questionWords = 16

const metrics = {
  first50: { label: 'first token p50, prompt is new', unit: 'ms', better: 'lower' },
  first95: { label: 'first token p95, prompt is new', unit: 'ms', better: 'lower' },
  firstCached: { label: 'cached tokens, prompt is new', unit: 'tokens', better: 'higher' },
  again50: { label: 'first token p50, again', unit: 'ms', better: 'lower' },
  again95: { label: 'first token p95, again', unit: 'ms', better: 'lower' },
  againCached: { label: 'cached tokens, again', unit: 'tokens', better: 'higher' },
} satisfies Record<string, Metric>

export const sharedPrefix: BenchCase = {
  name: 'shared-prefix',
  about: '16 clients at once with one new system prompt of 600 tokens, then 16 more',
  async run(options) {
    const [model = 'small'] = modelsOf(options, 'small')
    const context = contextFor(systemWords + questionWords + 32)
    const settings = serverSettings(options, model, { parallel: clients, context })
    const samples = await withPair(settings, (pair) => pair.measure(options.rounds, twice))
    return rowsOf({ case: 'shared-prefix', model, situation: '16 clients' }, metrics, samples)
  },
}

async function twice({ port }: ServerProcess) {
  const system = words(systemWords)
  const first = await allAtOnce(port, system)
  const again = await allAtOnce(port, system)
  return {
    first50: percentile(first.waits, 50),
    first95: percentile(first.waits, 95),
    firstCached: first.cached,
    again50: percentile(again.waits, 50),
    again95: percentile(again.waits, 95),
    againCached: again.cached,
  }
}

async function allAtOnce(port: number, system: string) {
  const calls = Array.from({ length: clients }, () => {
    const messages = [{ role: 'system' as const, content: system }, ...ask(questionWords)]
    return chat(port, { messages, maxTokens: 8 })
  })
  const results = await Promise.all(calls.map((call) => call.done))
  return {
    waits: await Promise.all(calls.map((call) => call.firstWait)),
    cached: sum(results.map((result) => result.cachedTokens)) / clients,
  }
}
