import { beforeAll, describe, expect, test } from 'vitest'
import { eventually } from '../../support/eventually.js'
import { largeRandomModel, randomModel } from '../../support/models/random-model.js'
import { baselineOf, expectAsBefore, expectQuietEnd } from '../../support/reliability/invariants.js'
import { askOf, wholeTextOf } from '../../support/reliability/replies.js'
import { type Isolation, ServerUnderTest } from '../../support/reliability/server.js'

// A thousand clients of one server at once: some run, the rest wait. docs/reliability.md has the
// figures.

const clients = 1000
const seeds = Array.from({ length: clients }, (_, i) => i)
const queue = ['--queue', String(clients), '--queue-deadline-ms', '600000']
const kibibyte = 1024

/** What it says does not depend on what is computed beside it, down to the last bit. */
const exactModel = () => randomModel({ weights: 'q8_0' })

async function textOfSeed(server: ServerUnderTest, seed: number): Promise<string> {
  const client = await server.connect()
  client.send(askOf(seed))
  await eventually(() => client.isEnded, 'it never ended', 60_000)
  return wholeTextOf(client)
}

/** What each seed says where no other request is beside it. */
async function textsAlone(): Promise<string[]> {
  const server = await ServerUnderTest.start(exactModel(), ['--parallel', '1'])
  const texts: string[] = []
  for (const seed of seeds) texts.push(await textOfSeed(server, seed))
  await expectQuietEnd(server)
  return texts
}

describe.skipIf(process.platform !== 'linux')('1,000 clients that stream at once', () => {
  let alone: string[]
  beforeAll(async () => {
    alone = await textsAlone()
    expect(new Set(alone).size).toBe(clients)
  })

  test.each<Isolation>(['none', 'process'])(
    'each hear what their seed says alone, in order and whole, with isolation %s',
    async (isolation) => {
      const args = ['--parallel', '8', '--context', '512', ...queue]
      const server = await ServerUnderTest.start(exactModel(), args, { isolation })
      await streamAll(server)
      const before = await baselineOf(server)
      const { texts, seconds } = await streamAll(server)
      expect(seeds.filter((seed) => texts[seed] !== alone[seed])).toEqual([])
      const grownMiB = await expectAsBefore(server, before, { residentMiB: 16 })
      console.log(
        `isolation ${isolation}: ${clients} streams, whole and as alone, in ` +
          `${seconds.toFixed(1)} s; a second thousand adds ${grownMiB.toFixed(1)} MiB`,
      )
      await expectQuietEnd(server)
    },
  )
})

/** All at once, each on a connection of its own. */
async function streamAll(server: ServerUnderTest): Promise<{ texts: string[]; seconds: number }> {
  const begun = performance.now()
  const all = await Promise.all(seeds.map(() => server.connect()))
  for (const [seed, client] of all.entries()) client.send(askOf(seed))
  const areDone = () => all.every(({ isEnded }) => isEnded)
  await eventually(areDone, 'not all were answered', 300_000)
  return { texts: all.map(wholeTextOf), seconds: (performance.now() - begun) / 1000 }
}

describe.skipIf(process.platform !== 'linux')('1,000 clients that wait for a slot', () => {
  test.each<Isolation>(['none', 'process'])(
    'take at most 64 KiB of memory each, and leave nothing, with isolation %s',
    async (isolation) => {
      // Its own window, so that the one that has the slot is not parked while others are read.
      const args = ['--parallel', '1', '--context', '16384', '--window', '16384', ...queue]
      const server = await ServerUnderTest.start(largeRandomModel(), args, { isolation })
      await Promise.all(seeds.slice(0, 32).map((seed) => textOfSeed(server, seed)))
      const first = await baselineOf(server)
      const taken = await waitAndLeave(server)
      const each = (taken - first.bytes) / clients / kibibyte
      const before = await baselineOf(server)
      await waitAndLeave(server)
      const grownMiB = await expectAsBefore(server, before, { residentMiB: 16 })
      console.log(
        `isolation ${isolation}: ${each.toFixed(1)} KiB for each of ${clients} that wait; ` +
          `a second thousand adds ${grownMiB.toFixed(1)} MiB`,
      )
      expect(each).toBeLessThan(64)
      await expectQuietEnd(server)
    },
  )
})

/** All wait behind one reply, and leave. @returns the server's memory while they wait */
async function waitAndLeave(server: ServerUnderTest): Promise<number> {
  const holder = await server.connect()
  holder.send(askOf(0, { max_tokens: 16_000, stream: false }))
  await eventually(async () => (await server.metrics()).running === 1)
  const waiting = await Promise.all(seeds.map(() => server.connect()))
  for (const [seed, client] of waiting.entries()) client.send(askOf(seed))
  const areAccepted = () => waiting.every(({ text }) => text.includes('"role"'))
  await eventually(areAccepted, 'not all were accepted', 60_000)
  expect((await server.metrics()).queued).toBe(clients)
  const { bytes } = server.resources()
  for (const client of [holder, ...waiting]) client.reset()
  return bytes
}
