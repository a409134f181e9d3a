import { describe, expect, test } from 'vitest'
import { eventually } from '../../support/eventually.js'
import { Beat } from '../../support/reliability/beat.js'
import { tellsMemory } from '../../support/reliability/held.js'
import {
  baselineOf,
  expectAsBefore,
  expectQuietEnd,
  quiet,
} from '../../support/reliability/invariants.js'
import { modelOfPhases, streamsByKind, wideStreamOf } from '../../support/reliability/phases.js'
import { askOf, wholeTextOf } from '../../support/reliability/replies.js'
import { ServerUnderTest } from '../../support/reliability/server.js'
import { SlowReader } from '../../support/reliability/slow-reader.js'

// Clients that read a byte a second of replies that are longer than what the system keeps for
// them. docs/reliability.md has the figures.

const readers = 200
const streams = 8
const tokens = 200
const pairs = 6
const kibibyte = 1024
/** With garbage that V8 has not collected, and what it takes once for all. */
const kibibytesMax = 768
/** Its answers, two or three of them, fill what the system keeps for a reader. */
const page = 'GET / HTTP/1.1\r\nhost: localhost\r\naccept: text/html\r\n\r\n'
const args = [
  ...['--parallel', String(streams), '--context', '2048', '--queue', String(readers)],
  ...['--queue-deadline-ms', '600000', '--reader-stall-ms', '600000', '--window', '16'],
]

/** Tokens a second of streams that are read as fast as they come. */
async function rate(server: ServerUnderTest, seed: number): Promise<number> {
  const clients = await Promise.all(Array.from({ length: streams }, () => server.connect()))
  const begun = performance.now()
  for (const [i, client] of clients.entries()) client.send(askOf(seed + i, { max_tokens: tokens }))
  await eventually(() => clients.every(({ isEnded }) => isEnded), 'a stream has no end', 60_000)
  const seconds = (performance.now() - begun) / 1000
  for (const client of clients) wholeTextOf(client)
  return (streams * tokens) / seconds
}

function middle(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] as number
}

const range = (values: readonly number[]) =>
  [Math.min(...values), Math.max(...values)].map((value) => value.toFixed(2)).join(' to ')

describe.skipIf(process.platform !== 'linux')('200 readers of a byte a second', () => {
  test('take bounded memory, and others keep nine tenths of their speed', async () => {
    const [alone, beside] = [
      await ServerUnderTest.start(modelOfPhases(), args),
      await ServerUnderTest.start(modelOfPhases(), args),
    ] as const
    for (const server of [alone, beside]) for (const seed of [0, 8, 16]) await rate(server, seed)
    const first = await baselineOf(beside)
    const keptFirst = (await beside.metrics()).sum('cache_bytes')
    const leave = await parkAll(beside)
    const kept = (await beside.metrics()).sum('cache_bytes') - keptFirst
    const taken = (beside.resources().bytes - first.bytes - kept) / readers / kibibyte

    const shares: number[] = []
    for (let pair = 0; pair < pairs; pair++) {
      const speed = await rate(alone, 100 * pair)
      shares.push((await rate(beside, 100 * pair)) / speed)
    }
    expect((await beside.metrics()).parked).toBe(readers)
    leave()
    const before = await baselineOf(beside)
    const leaveAgain = await parkAll(beside)
    leaveAgain()
    await quiet(beside)
    const grownMiB = (beside.resources().bytes - before.bytes) / 2 ** 20
    console.log(
      `${readers} readers: ${taken.toFixed(1)} KiB each; others have ` +
        `${middle(shares).toFixed(2)} of their speed (${range(shares)}, ${pairs} pairs); ` +
        `a second 200 add ${grownMiB.toFixed(1)} MiB`,
    )
    await expectAsBefore(beside, before, { heldMiB: 128 })
    expect(taken).toBeLessThan(kibibytesMax)
    expect(middle(shares)).toBeGreaterThan(0.9)
    for (const server of [alone, beside]) await expectQuietEnd(server)
  })

  test.each(Object.entries(streamsByKind))(
    '%s: each of 150 more holds bounded memory',
    async (kind, streamOf) => {
      // The smallest space for young objects: it is filled once, and not by readers.
      const node = `NODE_OPTIONS=${tellsMemory.NODE_OPTIONS} --max-semi-space-size=1`
      const server = await ServerUnderTest.start(modelOfPhases(), args, { within: ['env', node] })
      for (const seed of [0, 8, 16]) await rate(server, seed)
      const isPlain = kind.endsWith('plain text')
      const requestOf = (i: number) => (isPlain ? page.repeat(3) : '') + streamOf(i)
      const leaveFirst = await parkAll(server, 50, requestOf)
      const first = await heldBy(server)
      const leaveMore = await parkAll(server, 150, (i) => requestOf(50 + i))
      const each = ((await heldBy(server)) - first) / 150 / kibibyte
      leaveFirst()
      leaveMore()
      console.log(`${kind}: ${each.toFixed(1)} KiB for each reader`)
      expect(each).toBeLessThan(heldMax[kind as keyof typeof streamsByKind])
      await quiet(server)
      await expectQuietEnd(server)
    },
  )
})

/** KiB for each reader, after a full collection. 64 is the aim. */
const heldMax: Record<keyof typeof streamsByKind, number> = {
  'chats of plain text': 96,
  'responses of plain text': 96,
  'chats with 20 top_logprobs': 128,
  'completions with 20 logprobs': 128,
  'responses with 20 top_logprobs': 160,
}

/** Bytes that it holds, but for the states that are kept. */
async function heldBy(server: ServerUnderTest): Promise<number> {
  return (await server.held()) - (await server.metrics()).sum('cache_bytes')
}

/** Returns what resets their connections, once all are parked beside those that are. */
async function parkAll(
  server: ServerUnderTest,
  count = readers,
  requestOf: (i: number) => string = wideStreamOf,
): Promise<() => void> {
  const beat = new Beat(1000)
  const parkedBefore = (await server.metrics()).parked
  const each = Array.from({ length: count }, () => SlowReader.connect(server.host, server.port))
  const slow = await Promise.all(each)
  const stops = slow.map((reader, i) => {
    reader.socket.write(requestOf(i))
    return beat.join(() => reader.takeOne())
  })
  let parked = 0
  const areParked = async () => {
    parked = (await server.metrics()).parked - parkedBefore
    return parked === count
  }
  await eventually(areParked, () => `${parked} were parked`, 120_000)
  return () => {
    for (const stop of stops) stop()
    for (const { socket } of slow) socket.resetAndDestroy()
  }
}
