import { eventually } from '../eventually.js'
import { largeRandomModel } from '../models/random-model.js'
import { textOf } from '../random-words.js'
import { post, type RawClient } from '../raw-client.js'
import { chatPath } from '../serve.js'
import type { Metrics } from './metrics.js'
import type { ServerUnderTest } from './server.js'

/** Where a request is when its client is lost, and how it gets there. */
export interface Phase {
  /** Flags of its server. `count` clients are lost at once. */
  args(count: number): string[]
  /** Whether replies have all the slots before. */
  readonly isBehindOthers?: boolean
  /** Whether its client never reads. */
  readonly isUnread?: boolean
  /** What is sent, to the last byte that ever comes. */
  request(i: number, isStream: boolean): string
  /** Whether all are there. */
  isThere(now: Since, clients: readonly RawClient[], isStream: boolean): boolean
}

/** What has happened since the clients came. */
export interface Since {
  readonly now: Metrics
  readonly promptRows: number
  readonly generated: number
  readonly finished: number
}

interface Asked {
  readonly prompt: string
  readonly tokens: number
  readonly isStream: boolean
  /** Whether each token is told with 20 others, which makes a frame of it as long as a page. */
  readonly isWide?: boolean
}

type Wire = (asked: Asked) => [path: string, body: object]

const seeded = { model: 'default', seed: 5, ignore_eos: true }

const chat: Wire = ({ prompt, tokens, isStream, isWide }) => {
  const messages = [{ role: 'user', content: prompt }]
  const wide = isWide ? { logprobs: true, top_logprobs: 20 } : {}
  return [chatPath, { ...seeded, messages, max_tokens: tokens, stream: isStream, ...wide }]
}

const completion: Wire = ({ prompt, tokens, isStream, isWide }) => {
  const wide = isWide ? { logprobs: 20 } : {}
  const body = { ...seeded, prompt, max_tokens: tokens, stream: isStream, ...wide }
  return ['/v1/completions', body]
}

const response: Wire = ({ prompt, tokens, isStream, isWide }) => {
  const wide = isWide ? { include: ['message.output_text.logprobs'], top_logprobs: 20 } : {}
  const body = { ...seeded, input: prompt, max_output_tokens: tokens, stream: isStream, ...wide }
  return ['/v1/responses', body]
}

/** It has no field that keeps a reply from ending by itself. */
const message: Wire = ({ prompt, tokens, isStream }) => {
  const messages = [{ role: 'user', content: prompt }]
  return ['/v1/messages', { model: 'default', messages, max_tokens: tokens, stream: isStream }]
}

const endlessWires = [chat, completion, response]
const wires = [...endlessWires, message]

function bytesOf(wire: Wire | undefined, asked: Asked): string {
  const [path, body] = (wire ?? chat)(asked)
  return post(path, body)
}

const promptOf = (i: number, words = 6) => textOf(words, 1000 + i)
const short = (i: number, isStream: boolean, tokens: number) =>
  bytesOf(endlessWires[i % endlessWires.length], { prompt: promptOf(i), tokens, isStream })
const wide = (i: number, isStream: boolean, tokens: number) => {
  const asked = { prompt: promptOf(i), tokens, isStream, isWide: true }
  return bytesOf(endlessWires[i % endlessWires.length], asked)
}
/** The request of a stream that is longer than what the system keeps for its reader. */
export const wideStreamOf = (i: number) => wide(i, true, 1500)

const streamBy = (wire: Wire, isWide: boolean) => (i: number) => {
  return bytesOf(wire, { prompt: promptOf(i), tokens: 1500, isStream: true, isWide })
}
/** The same by what its text comes in. Where it is plain, readers that are behind before. */
export const streamsByKind = {
  'chats of plain text': streamBy(chat, false),
  'responses of plain text': streamBy(response, false),
  'chats with 20 top_logprobs': streamBy(chat, true),
  'completions with 20 logprobs': streamBy(completion, true),
  'responses with 20 top_logprobs': streamBy(response, true),
}
const long = (i: number, isStream: boolean, words: number) =>
  bytesOf(wires[i % wires.length], { prompt: promptOf(i, words), tokens: 400, isStream })

const few = (count: number) => ['--parallel', String(count), '--context', '2048']
const deep = (count: number) => ['--parallel', String(Math.min(count, 6)), '--context', '16384']
/** Of words that are a token each, or a little more. */
const longWords = 9000

export const phases = {
  'before its headers are whole': {
    args: few,
    request: (i, isStream) => {
      const whole = short(i, isStream, 40)
      return whole.slice(0, whole.indexOf('\r\n\r\n') - 3)
    },
    isThere: (_, clients) => clients.every(({ socket }) => socket.writableLength === 0),
  },
  'with half of its body sent': {
    args: few,
    request: (i, isStream) => {
      const whole = short(i, isStream, 40)
      return whole.slice(0, (whole.indexOf('\r\n\r\n') + whole.length) >> 1)
    },
    isThere: (_, clients) => clients.every(({ socket }) => socket.writableLength === 0),
  },
  queued: {
    args: few,
    isBehindOthers: true,
    request: (i, isStream) => long(i, isStream, 6),
    isThere: ({ now }, clients) => now.queued === clients.length,
  },
  'being tokenized': {
    args: deep,
    request: (i, isStream) => long(i, isStream, longWords),
    isThere: ({ now }) => now.queued > 0,
  },
  'in prefill': {
    args: deep,
    request: (i, isStream) => long(i, isStream, longWords),
    isThere: ({ promptRows, generated }) => promptRows > 0 && generated === 0,
  },
  'in decode': {
    args: few,
    request: (i, isStream) => short(i, isStream, 1500),
    isThere: ({ now, generated }, clients) => {
      return now.running === clients.length && generated > 4 * clients.length
    },
  },
  parked: {
    args: few,
    isUnread: true,
    request: (i, isStream) => wide(i, isStream, isStream ? 1500 : 60),
    // A whole reply does not wait for its reader: it is done, and its bytes wait.
    isThere: ({ now, finished }, { length }, isStream) => {
      return isStream ? now.parked === length : finished === length
    },
  },
  'at its last token': {
    args: few,
    request: (i, isStream) => short(i, isStream, 1 + (i % 4)),
    isThere: ({ generated }) => generated > 0,
  },
} satisfies Record<string, Phase>

export type PhaseName = keyof typeof phases
export const phaseNames = Object.keys(phases) as PhaseName[]

/** A prompt of its takes a while, and a step some milliseconds. */
export const modelOfPhases = () => largeRandomModel({ layers: 4, embedding: 256 })

/** What two looks at a server tell of the time between them. */
export function since(before: Metrics, now: Metrics): Since {
  return {
    now,
    promptRows: rowsOf(now) - rowsOf(before),
    generated: now.generated - before.generated,
    finished: now.ended('finished') - before.ended('finished'),
  }
}

const rowsOf = (metrics: Metrics) => metrics.sum('engine_rows_total', 'kind="prompt"')

/** Clients whose requests are in a phase. */
export interface Reached {
  readonly clients: readonly RawClient[]
  /** Replies that have all the slots, if the phase is to wait for one. */
  readonly others: readonly RawClient[]
  /** As the clients came. */
  readonly before: Metrics
  /** Once all were there. */
  readonly there: Metrics
}

interface Going {
  readonly count: number
  readonly isStream: boolean
  /** The address by which they come. */
  readonly host?: string
  /** The number of the first one's request, where those before are remembered. Default 0. */
  readonly from?: number
}

export async function reach(
  server: ServerUnderTest,
  name: PhaseName,
  { count, isStream, host = server.host, from = 0 }: Going,
): Promise<Reached> {
  const phase: Phase = phases[name]
  const before = await server.metrics()
  const others = phase.isBehindOthers ? await takeSlots(server, count) : []
  const reads = !phase.isUnread
  const each = Array.from({ length: count }, () => server.connect({ reads, host }))
  const clients = await Promise.all(each)
  for (const [i, client] of clients.entries()) client.send(phase.request(from + i, isStream))
  let there = before
  const areThere = async () => {
    there = await server.metrics()
    return phase.isThere(since(before, there), clients, isStream)
  }
  const stood = () => `not ${name}: ${there.queued} ${there.running} ${there.parked}`
  await eventually(areThere, stood, 30_000)
  return { clients, others, before, there }
}

/** No streams: these would be parked if they were not read for a moment. */
async function takeSlots(server: ServerUnderTest, count: number): Promise<RawClient[]> {
  const others = await Promise.all(Array.from({ length: count }, () => server.connect()))
  for (const [i, client] of others.entries()) client.send(short(i, false, 1900))
  await eventually(async () => (await server.metrics()).running === count, 'slots are left')
  return others
}
