import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, describe, expect, test } from 'vitest'
import { encoderModel } from '../../support/models/encoder-model.js'
import { randomModel } from '../../support/models/random-model.js'
import { Breaks } from '../../support/reliability/breaks.js'
import { type Held, held } from '../../support/reliability/held.js'
import { canaryOf, quiet } from '../../support/reliability/invariants.js'
import { type LoadTally, mixedLoad } from '../../support/reliability/mixed-load.js'
import { type Resources, resourcesOf } from '../../support/reliability/resources.js'
import { type ServerUnderTest, serve } from '../../support/reliability/server.js'
import { slopeOf } from '../../support/reliability/slope.js'
import { postJson } from '../../support/serve.js'

// $SLUICE_SOAK_MINUTES says how long each of the two runs takes: 75 by hand, and else 2.5.
// $SLUICE_SOAK_SAMPLES names a file that gets a line for each sample.
//
// Each sample is of what the server and its engines have in use after a full collection, in a
// break of all clients: the more a busy machine has under way, the more is in use. Resident
// memory, which is told too, has the room of V8 and malloc for what is to come: both go up and
// down by tens of MiB as they like, and malloc's grows in steps where nothing leaks.

const minutes = Number(process.env.SLUICE_SOAK_MINUTES ?? 2.5)
const warmUp = minutes >= 60 ? 15 : minutes / 2
const sampleMs = minutes >= 60 ? 30_000 : 1000
const samplesFile = process.env.SLUICE_SOAK_SAMPLES
const mebibyte = 2 ** 20
const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'sluice-soak-'))
afterAll(() => fs.rmSync(folder, { recursive: true, force: true }))

/** A server of a model that talks and one that embeds, whose caches are full within minutes. */
async function serveBoth(isolation: string): Promise<ServerUnderTest> {
  const config = path.join(folder, `${isolation}.json`)
  const shared = { isolation, loadAtStart: true, context: 2048 }
  const chat = {
    file: randomModel({ weights: 'q8_0' }),
    kvType: 'q8_0',
    parallel: 4,
    cacheMiB: 16,
    ...shared,
  }
  const states = { cacheDir: path.join(folder, `states-${isolation}`), cacheDiskGiB: 0.05 }
  const vectors = { file: encoderModel(), ...shared, context: 512 }
  const models = { chat: { ...chat, ...states }, vectors }
  fs.writeFileSync(config, JSON.stringify({ memoryMiB: 2048, models }))
  const more = ['--tools-fallback', '--response-store', '200', '--response-store-mib', '4']
  const under = `exec "$@" 2>>${path.join(folder, 'log')}`
  return serve(['--config', config, '--open-metrics', ...more], { under })
}

interface Sample extends Resources {
  /** Since the load began. */
  readonly hours: number
  readonly held: Held
}

/** Samples of each process, until `isOver`. The first of them is the server's own. */
async function sampled(
  served: ServerUnderTest,
  pids: readonly number[],
  breaks: Breaks,
  isOver: () => boolean,
): Promise<Sample[][]> {
  const samples: Sample[][] = pids.map(() => [])
  const start = performance.now()
  while (!isOver()) {
    const told = await breaks.during(async () => {
      await quiet(served, 60_000)
      return held(pids)
    })
    const hours = (performance.now() - start) / 3_600_000
    for (const [i, pid] of pids.entries()) {
      samples[i]?.push({ hours, held: told[i] as Held, ...resourcesOf(pid) })
    }
    if (samplesFile) {
      const now = samples.map((one) => one.at(-1))
      fs.appendFileSync(samplesFile, `${JSON.stringify(now)}\n`)
    }
    await sleep(sampleMs)
  }
  return samples
}

async function canaries(
  served: ServerUnderTest,
  right: string,
  isOver: () => boolean,
): Promise<number> {
  let asked = 0
  for (; !isOver(); asked++) {
    expect(await canaryOf(served, { model: 'chat' })).toBe(right)
    for (let i = 0; i < 60 && !isOver(); i++) await sleep(Math.min(1000, minutes * 1000))
  }
  return asked
}

const median = (values: number[]) => values.sort((a, b) => a - b)[values.length >> 1] as number

const hundredths = (value: number) => Math.round(value * 100) / 100

const inUse = ({ held }: Sample) => held.heapBytes + (held.mallocBytes ?? Number.NaN)

/** The figures of one process, as one line. */
function figuresOf(samples: readonly Sample[]) {
  const warm = samples.filter(({ hours }) => hours * 60 >= warmUp)
  const hours = (warm.at(-1)?.hours ?? 0) - (warm[0]?.hours ?? 0)
  const slope = (of: (one: Sample) => number) =>
    slopeOf(warm.map((one) => [one.hours, of(one) / mebibyte]))
  const start = (of: (one: Sample) => number) =>
    Math.round(median(warm.slice(0, warm.length >> 2).map(of)) / mebibyte)
  const most = (name: 'descriptors' | 'threads') => Math.max(...warm.map((one) => one[name]))
  const early = samples.filter(({ hours }) => hours * 60 < warmUp)
  const before = (name: 'descriptors' | 'threads') => Math.max(...early.map((one) => one[name]))
  return {
    inUseMiB: start(inUse),
    slopeMiBPerHour: hundredths(slope(inUse)),
    grownMiB: hundredths(slope(inUse) * hours),
    heap: [start(({ held }) => held.heapBytes), hundredths(slope(({ held }) => held.heapBytes))],
    resident: [start(({ held }) => held.bytes), hundredths(slope(({ held }) => held.bytes))],
    descriptors: [before('descriptors'), most('descriptors')],
    threads: [before('threads'), most('threads')],
  }
}

function totals({ kinds, left, faults }: LoadTally) {
  const sum = (counts: Map<string, number>) => [...counts.values()].reduce((a, b) => a + b, 0)
  return { answered: sum(kinds), left: sum(left), faults: faults.length }
}

describe.skipIf(process.platform !== 'linux')(
  'under mixed load, of which 30 % is cancelled',
  () => {
    test.each(['none', 'process'])(
      `memory stays level over ${minutes} minutes (isolation: %s)`,
      async (isolation) => {
        const served = await serveBoth(isolation)
        const right = await canaryOf(served, { model: 'chat' })
        expect(right.length).toBeGreaterThan(10)
        const end = performance.now() + minutes * 60_000
        const isOver = () => performance.now() > end
        const vectors = { model: 'vectors', input: 'first' } // once both engines are there
        expect((await postJson(served.url, '/v1/embeddings', vectors)).status).toBe(200)
        const pids = [served.pid, ...served.engines()]
        expect(pids).toHaveLength(isolation === 'none' ? 1 : 3)
        const breaks = new Breaks()
        const [samples, asked, tally] = await Promise.all([
          sampled(served, pids, breaks, isOver),
          canaries(served, right, isOver),
          mixedLoad(served, 8, 100, isOver, breaks),
        ])
        const figures = samples.map(figuresOf)
        console.log(
          `soak, ${isolation}, ${minutes} min: `,
          {
            ...totals(tally),
            canaries: asked,
          },
          ...figures,
        )
        expect(tally.faults).toEqual([])
        expect(served.engines()).toEqual(pids.slice(1))
        for (const { slopeMiBPerHour, grownMiB, descriptors, threads } of figures) {
          if (minutes >= 60) expect(slopeMiBPerHour).toBeLessThan(1)
          else expect(grownMiB).toBeLessThan(16)
          expect(descriptors[1]).toBeLessThanOrEqual((descriptors[0] as number) + 8)
          expect(threads[1]).toBeLessThanOrEqual(threads[0] as number)
        }
      },
      (minutes + 5) * 60_000,
    )
  },
)
