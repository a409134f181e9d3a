import { describe, expect, test } from 'vitest'
import { eventually } from '../../support/eventually.js'
import { Beat } from '../../support/reliability/beat.js'
import {
  baselineOf,
  expectAsBefore,
  expectQuietEnd,
  quiet,
} from '../../support/reliability/invariants.js'
import { modelOfPhases, wideStreamOf } from '../../support/reliability/phases.js'
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
/** 64 is the aim, and missed: docs/reliability.md. */
const kibibytesMax = 2048

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
    const args = [
      ...['--parallel', String(streams), '--context', '2048', '--queue', String(readers)],
      ...['--queue-deadline-ms', '600000', '--reader-stall-ms', '600000', '--window', '16'],
    ]
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
    await expectAsBefore(beside, before, { residentMiB: 128 })
    expect(taken).toBeLessThan(kibibytesMax)
    expect(middle(shares)).toBeGreaterThan(0.9)
    for (const server of [alone, beside]) await expectQuietEnd(server)
  })
})

/** Returns what resets their connections, once all are parked. */
async function parkAll(server: ServerUnderTest): Promise<() => void> {
  const beat = new Beat(1000)
  const each = Array.from({ length: readers }, () => SlowReader.connect(server.host, server.port))
  const slow = await Promise.all(each)
  const stops = slow.map((reader, i) => {
    reader.socket.write(wideStreamOf(i))
    return beat.join(() => reader.takeOne())
  })
  let parked = 0
  const areParked = async () => {
    parked = (await server.metrics()).parked
    return parked === readers
  }
  await eventually(areParked, () => `${parked} were parked`, 120_000)
  return () => {
    for (const stop of stops) stop()
    for (const { socket } of slow) socket.resetAndDestroy()
  }
}
