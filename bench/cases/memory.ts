import { once } from 'node:events'
import net from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { Stop } from '../../scripts/support/stop.mjs'
import { chat, stalledChat } from '../client/chat.js'
import { ask } from '../client/prompts.js'
import { type Metric, type Row, rowsOf } from '../report/row.js'
import { llamaCommand, type ServerSettings, sluiceCommand } from '../servers/commands.js'
import { alternately, type Samples } from '../servers/pair.js'
import { type ServerProcess, withServer } from '../servers/server-process.js'
import { type BenchCase, type BenchOptions, modelsOf, serverSettings } from './bench-case.js'
import { contextOf, runStreams } from './streams.js'

/** Until what was asked for is in its place, and nothing more comes in. */
const settlingMs = 3_000
/** So long that its reader has the only slot for as long as others are looked at. */
const endlessTokens = 60_000
const warmUps = 64

type Own = Pick<ServerSettings, 'parallel' | 'context' | 'queue'>

/** What is asked of a server that then holds something for each. */
interface Crowd {
  situation: string
  count: number
  own: Own
  /** Returns what ends it. */
  join(port: number, count: number): Promise<() => void>
}

const oneSlot: Own = { parallel: 1, context: 65_536, queue: 2_000 }
const fourSlots: Own = { parallel: 4, context: 2_048 }

const crowds: readonly Crowd[] = [
  { situation: 'idle connections', count: 1_000, own: fourSlots, join: connect },
  { situation: 'waiting, 32 words', count: 1_000, own: oneSlot, join: waitingWith(32) },
  { situation: 'waiting, 1,000 words', count: 1_000, own: oneSlot, join: waitingWith(1_000) },
  { situation: 'unread replies', count: 64, own: fourSlots, join: readNothing },
  { situation: 'kept states, 256 words', count: 64, own: fourSlots, join: askAndLeave },
]

const each = {
  each: { label: 'memory for each', unit: 'KiB', better: 'lower' },
} satisfies Record<string, Metric>

const whole = {
  resident: { label: 'resident memory', unit: 'MiB', better: 'lower' },
} satisfies Record<string, Metric>

export const memory: BenchCase = {
  name: 'memory',
  about: 'resident memory for each connection, waiting request, unread reply and kept state',
  async run(options) {
    const rows: Row[] = []
    for (const model of modelsOf(options, 'tiny')) {
      for (const { situation, count: most, own, join } of crowds) {
        const count = options.quick ? Math.min(most, 100) : most
        const settings = serverSettings(options, model, own)
        const samples = await onNewServers(settings, options, async (server) => ({
          each: await growth(server, () => join(server.port, count), count),
        }))
        const heading = {
          case: 'memory',
          model,
          situation: `${count.toLocaleString('en-US')} ${situation}`,
        }
        rows.push(...rowsOf(heading, each, samples))
      }
      const load = { streams: options.quick ? 32 : 128, tokens: 128 }
      const own = { parallel: load.streams, context: contextOf(load) }
      const settings = serverSettings(options, model, own)
      const samples = await onNewServers(settings, options, async (server) => {
        await runStreams(server.port, load, 0)
        return { resident: server.residentBytes() / 2 ** 20 }
      })
      const heading = { case: 'memory', model, situation: `after ${load.streams} streams` }
      rows.push(...rowsOf(heading, whole, samples))
    }
    return rows
  },
}

/** A new server for each round: memory that was touched once is used again. */
async function onNewServers<T>(
  settings: ServerSettings,
  { rounds }: BenchOptions,
  measure: (server: ServerProcess) => Promise<T>,
): Promise<Samples<T>> {
  const rival = await llamaCommand(settings)
  return alternately(
    rounds,
    () => withServer(sluiceCommand(settings), measure),
    () => withServer(rival, measure),
  )
}

/** @returns KiB for each of `count` */
async function growth(
  server: ServerProcess,
  join: () => Promise<() => void>,
  count: number,
): Promise<number> {
  // What the first requests cost once is not counted: code that is compiled, buffers of a size.
  const first = Array.from({ length: warmUps }, () => {
    return chat(server.port, { messages: ask(32), maxTokens: 8 }).done
  })
  await Promise.all(first)
  await sleep(500)
  const before = server.residentBytes()
  const end = await join()
  await sleep(settlingMs)
  const bytes = server.residentBytes() - before
  end()
  if (bytes <= 0) throw new Stop('memory: the system took back more than came in; measure again.')
  return bytes / 1024 / count
}

async function connect(port: number, count: number): Promise<() => void> {
  const sockets = Array.from({ length: count }, () => net.connect(port, '127.0.0.1'))
  for (const socket of sockets) socket.on('error', () => socket.destroy())
  await Promise.all(sockets.map((socket) => once(socket, 'connect')))
  return () => {
    for (const socket of sockets) socket.destroy()
  }
}

/** Requests behind one that keeps the only slot. */
function waitingWith(words: number): Crowd['join'] {
  return async (port, count) => {
    const running = chat(port, { messages: ask(16), maxTokens: endlessTokens })
    await running.firstText
    const waiting = Array.from({ length: count }, () => {
      return chat(port, { messages: ask(words), maxTokens: 8 })
    })
    return () => {
      for (const call of [running, ...waiting]) call.leave()
    }
  }
}

async function readNothing(port: number, count: number): Promise<() => void> {
  const sockets = Array.from({ length: count }, () => {
    return stalledChat(port, { messages: ask(32), maxTokens: 512 })
  })
  await sleep(settlingMs) // they take turns in the slots
  return () => {
    for (const socket of sockets) socket.resetAndDestroy()
  }
}

async function askAndLeave(port: number, count: number): Promise<() => void> {
  for (let i = 0; i < count; i++) await chat(port, { messages: ask(256), maxTokens: 8 }).done
  return () => undefined
}
