import { chat } from '../client/chat.js'
import { ask } from '../client/prompts.js'
import { type Metric, type Row, rowsOf } from '../report/row.js'
import { besideBusy } from '../servers/busy-processes.js'
import { type Pair, withPair } from '../servers/pair.js'
import type { ServerProcess } from '../servers/server-process.js'
import type { ModelName } from '../setup/models.js'
import { type BenchCase, type BenchOptions, modelsOf, serverSettings } from './bench-case.js'
import { besideStreams, contextOf, type Load, runStreams } from './streams.js'

const longPrompt = 2000
const loads: Load[] = [
  { streams: 1, tokens: 64 },
  { streams: 8, tokens: 32 },
]
const busyCounts = [0, 1, 2]

const alone = {
  first: { label: 'first token of 2,000 tokens', unit: 'ms', better: 'lower' },
} satisfies Record<string, Metric>

const beside = {
  ...alone,
  pause: { label: 'longest pause of running streams', unit: 'ms', better: 'lower' },
} satisfies Record<string, Metric>

const streaming = {
  throughput: { label: 'throughput', unit: 'tokens/s', better: 'higher' },
  ttft50: { label: 'first token p50', unit: 'ms', better: 'lower' },
} satisfies Record<string, Metric>

export const busy: BenchCase = {
  name: 'busy',
  about: 'beside 0, 1 and 2 processes that keep a core busy: prompts and streams',
  async run(options) {
    const [model = 'small'] = modelsOf(options, 'small')
    const own = { parallel: 8, context: contextOf({ streams: 2, tokens: 2 * longPrompt }) }
    return withPair(serverSettings(options, model, own), async (pair) => {
      const rows: Row[] = []
      for (const count of busyCounts) rows.push(...(await rowsBeside(pair, options, model, count)))
      return rows
    })
  },
}

async function rowsBeside(pair: Pair, options: BenchOptions, model: ModelName, count: number) {
  const measured = async <K extends string>(
    what: string,
    metrics: Record<K, Metric>,
    once: (server: ServerProcess) => Promise<Record<NoInfer<K>, number>>,
  ) => {
    const samples = await pair.measure(options.rounds, (server) => {
      return besideBusy(count, () => once(server))
    })
    const situation = `${what}, ${count} busy ${count === 1 ? 'process' : 'processes'}`
    return rowsOf({ case: 'busy', model, situation }, metrics, samples)
  }
  const rows = [
    ...(await measured('a prompt alone', alone, promptAlone)),
    ...(await measured('a prompt beside two streams', beside, promptBeside)),
  ]
  for (const load of loads) {
    const what = load.streams === 1 ? 'one stream' : `${load.streams} streams`
    rows.push(...(await measured(what, streaming, (server) => runStreams(server.port, load, 0))))
  }
  return rows
}

async function promptAlone({ port }: ServerProcess) {
  const call = chat(port, { messages: ask(longPrompt), maxTokens: 8 })
  await call.done
  return { first: await call.firstWait }
}

function promptBeside({ port }: ServerProcess) {
  return besideStreams(port, 2, longPrompt, async (pauseOf) => {
    const call = chat(port, { messages: ask(longPrompt), maxTokens: 8 })
    await call.done
    return { first: await call.firstWait, pause: await pauseOf(call.sentAt, await call.firstText) }
  })
}
