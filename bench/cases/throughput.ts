import { type Metric, type Row, rowsOf } from '../report/row.js'
import { withPair } from '../servers/pair.js'
import type { ServerProcess } from '../servers/server-process.js'
import type { ModelName } from '../setup/models.js'
import { type BenchCase, type BenchOptions, modelsOf, serverSettings } from './bench-case.js'
import { contextOf, type Load, loadsOf, runStreams, situationOf } from './streams.js'

const temperatures = [0, 0.8]

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

async function rowsAt(options: BenchOptions, model: ModelName, load: Load): Promise<Row[]> {
  const own = { parallel: load.streams, context: contextOf(load) }
  return withPair(serverSettings(options, model, own), async (pair) => {
    const rows: Row[] = []
    for (const temperature of temperatures) {
      const once = ({ port }: ServerProcess) => runStreams(port, load, temperature)
      await pair.measure(1, once) // not counted: code is compiled then, memory touched
      const samples = await pair.measure(options.rounds, once)
      const heading = { case: 'throughput', model, situation: situationOf(load, temperature) }
      rows.push(...rowsOf(heading, metrics, samples))
    }
    return rows
  })
}
