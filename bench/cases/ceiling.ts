import { run } from '../../scripts/support/run.mjs'
import { Stop } from '../../scripts/support/stop.mjs'
import { type Metric, type Row, rowsOf } from '../report/row.js'
import { type ServerSettings, sluiceCommand } from '../servers/commands.js'
import { alternately, running, started } from '../servers/pair.js'
import { llamaProgram } from '../setup/llama-programs.js'
import { type BenchCase, modelsOf, serverSettings } from './bench-case.js'
import { contextOf, type Load, loadsOf, promptWords, runStreams, situationOf } from './streams.js'
import { traceOf } from './trace.js'

const deadlineMs = 120_000

const metrics = {
  decode: { label: 'decode', unit: 'tokens/s', better: 'higher' },
} satisfies Record<string, Metric>

export const ceiling: BenchCase = {
  name: 'ceiling',
  about:
    'the server against llama_decode alone (llama-batched-bench), which samples nothing; ' +
    'and what a step costs beyond it',
  async run(options) {
    const rows: Row[] = []
    for (const model of modelsOf(options, 'tiny', 'small')) {
      for (const load of loadsOf(options, model)) {
        const own = { parallel: load.streams, context: contextOf(load) }
        const settings = serverSettings(options, model, own)
        const samples = await besideDecode(settings, load, options.rounds)
        const situation = situationOf(load, 0)
        const heading = { case: 'ceiling', model, situation, rival: 'llama_decode' }
        rows.push(...rowsOf(heading, metrics, samples))
        console.log(await traceOf(settings, load))
      }
    }
    return rows
  },
}

async function besideDecode(settings: ServerSettings, load: Load, rounds: number) {
  const server = await started(sluiceCommand(settings))
  const streams = () => running(server, ({ port }) => runStreams(port, load, 0))
  try {
    await streams() // as in throughput.ts: warm
    return await alternately(rounds, streams, async () => ({
      decode: await decodeAlone(settings, load),
    }))
  } finally {
    await server.stop()
  }
}

async function decodeAlone(settings: ServerSettings, load: Load): Promise<number> {
  const { model, parallel, context, threads, kvType } = settings
  const flags = [
    ...['-m', model, '-c', context * parallel, '-t', threads, '-ctk', kvType, '-ctv', kvType],
    ...['-npp', promptWords, '-ntg', load.tokens, '-npl', parallel, '-fa', 'on', '-fit', 'off'],
    ...['--output-format', 'jsonl'],
  ]
  const program = await llamaProgram('llama-batched-bench')
  const { status, output } = await run(program, flags.map(String), {
    quiet: true,
    timeout: deadlineMs,
  })
  const speed = /"speed_tg": ([\d.]+)/.exec(output)?.[1]
  if (status === 0 && speed) return Number(speed)
  throw new Stop(`llama-batched-bench failed (${status}):\n${output.slice(-2000)}`)
}
