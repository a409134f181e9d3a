import { setTimeout as sleep } from 'node:timers/promises'
import { chat, stalledChat } from '../client/chat.js'
import { ask } from '../client/prompts.js'
import { type Metric, type Row, rowsOf } from '../report/row.js'
import { sum } from '../report/statistics.js'
import { withPair } from '../servers/pair.js'
import type { ServerProcess } from '../servers/server-process.js'
import { type BenchCase, modelsOf, serverSettings } from './bench-case.js'

const normalClients = 3
const replyTokens = 128
/** Long enough that no stalled reply ends while it is looked at. */
const stalledTokens = 60_000
/** Until then the kernels' buffers take what is not read: the reply is not waiting yet. */
const settlingMs = 4_000

const metrics = {
  alone: { label: 'three readers without them', unit: 'tokens/s', better: 'higher' },
  beside: { label: 'three readers beside them', unit: 'tokens/s', better: 'higher' },
  share: { label: 'share of the speed that is left', unit: '%', better: 'higher' },
  growth: { label: 'resident memory grows by', unit: 'MiB', better: 'lower' },
} satisfies Record<string, Metric>

export const stalledReaders: BenchCase = {
  name: 'stalled-readers',
  about: 'clients that never read their long reply, beside three that do',
  async run(options) {
    const [model = 'tiny'] = modelsOf(options, 'tiny')
    const rows: Row[] = []
    const seconds = options.quick ? 2 : 6
    for (const parallel of [4, 10]) {
      // No cache of earlier prompts: what the readers leave there is not what waits for others.
      const own = { parallel, context: 65_536, cacheMiB: 0 }
      const settings = serverSettings(options, model, own)
      for (const stalled of [4, 6]) {
        // New servers for each: what the last stalled replies left behind is not this one's.
        const samples = await withPair(settings, (pair) =>
          pair.measure(options.rounds, (server) => besideStalled(server, stalled, seconds)),
        )
        const situation = `${stalled} stalled, ${parallel} slots`
        rows.push(...rowsOf({ case: 'stalled-readers', model, situation }, metrics, samples))
      }
    }
    return rows
  },
}

async function besideStalled(server: ServerProcess, stalled: number, seconds: number) {
  const alone = await speedOfReaders(server.port, seconds)
  const before = server.residentBytes()
  const sockets = Array.from({ length: stalled }, () =>
    stalledChat(server.port, { messages: ask(32), maxTokens: stalledTokens }),
  )
  await sleep(settlingMs)
  const beside = await speedOfReaders(server.port, seconds)
  const growth = (server.residentBytes() - before) / 2 ** 20
  for (const socket of sockets) socket.resetAndDestroy()
  await sleep(500)
  return { alone, beside, share: (beside / alone) * 100, growth }
}

/** Tokens/s of readers that ask again and again; what time cuts off counts by its parts. */
async function speedOfReaders(port: number, seconds: number): Promise<number> {
  const start = performance.now()
  const end = sleep(seconds * 1000)
  const readers = Array.from({ length: normalClients }, () => readUntil(end, port))
  return (sum(await Promise.all(readers)) / (performance.now() - start)) * 1000
}

async function readUntil(end: Promise<void>, port: number): Promise<number> {
  let tokens = 0
  for (;;) {
    const call = chat(port, { messages: ask(32), maxTokens: replyTokens })
    const result = await Promise.race([call.done, end])
    if (!result) {
      call.leave()
      return tokens + call.arrivals.length
    }
    tokens += result.completionTokens
  }
}
