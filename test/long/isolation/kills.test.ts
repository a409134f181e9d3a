import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, describe, expect, test } from 'vitest'
import { killAfterEach } from '../../support/cli.js'
import {
  engineProcess,
  healthy,
  type Isolated,
  isAlive,
  startIsolated,
} from '../../support/isolated/served.js'
import {
  exactArgs,
  faultsOf,
  type Heard,
  quietTexts,
  seeds,
  stream,
} from '../../support/isolated/storm.js'

// Deaths of an engine's process under 32 streams, many times over. A server outlives three within
// 90 s, so there is a new one for every three.

killAfterEach()

const perServer = 3
const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'sluice-deaths-'))
afterAll(() => fs.rmSync(folder, { recursive: true, force: true }))

/** Numbers from 0 to below 1, the same each time. */
function* fractions(): Generator<number> {
  for (let state = 7; ; ) {
    state = (state * 1_103_515_245 + 12_345) % 2 ** 31
    yield state / 2 ** 31
  }
}

interface Sums {
  deaths: number
  whole: number
  failed: number
  /** From a death until /health says 200, the waits of the second and third among them. */
  readonly healthyMs: number[]
}

interface Death {
  readonly diedAt: number
  readonly streams: Promise<Heard[]>
  readonly texts: ReadonlyMap<number, string>
}

/** Once the engine's process is gone: each stream is right, and the server answers again. */
async function survived(served: Isolated, { diedAt, streams, texts }: Death): Promise<Survival> {
  await sleep(10) // until the server has heard of it
  await healthy(served)
  const healthyMs = performance.now() - diedAt
  const heard = await streams
  expect(faultsOf(heard, texts)).toEqual([])
  expect(await stream(served, 3)).toMatchObject({ text: texts.get(3), code: undefined })
  return { heard, healthyMs }
}

interface Survival {
  readonly heard: readonly Heard[]
  readonly healthyMs: number
}

function add(sums: Sums, { heard, healthyMs }: Survival): void {
  sums.healthyMs.push(healthyMs)
  const failed = heard.filter(({ code }) => code !== undefined).length
  sums.deaths++
  sums.failed += failed
  sums.whole += heard.length - failed
}

function report(what: string, { deaths, whole, failed, healthyMs }: Sums): void {
  const sorted = [...healthyMs].sort((a, b) => a - b).map(Math.round)
  const middle = sorted[sorted.length >> 1]
  const times = `200 on /health after ${middle} ms in the middle, ${sorted.at(-1)} ms at most`
  console.log(`${deaths} ${what}: ${whole} replies whole, ${failed} failed; ${times}`)
}

describe.skipIf(process.platform !== 'linux')(
  'an engine of its own process, under 32 streams',
  () => {
    test('is killed 100 times at random moments: no reply is wrong or doubled', async () => {
      const random = fractions()
      const sums: Sums = { deaths: 0, whole: 0, failed: 0, healthyMs: [] }
      while (sums.deaths < 100) {
        const served = await startIsolated(exactArgs)
        const begun = performance.now()
        const texts = await quietTexts(served, seeds)
        const roundMs = performance.now() - begun
        let last: number | undefined
        for (let i = 0; i < perServer && sums.deaths < 100; i++) {
          const streams = Promise.all(seeds.map((seed) => stream(served, seed)))
          last = await engineProcess(served, last)
          await sleep(roundMs * (random.next().value as number))
          process.kill(last, 'SIGKILL')
          const diedAt = performance.now()
          while (isAlive(last)) await sleep(1)
          add(sums, await survived(served, { diedAt, streams, texts }))
        }
        served.cli.child.kill('SIGTERM')
        expect((await served.cli.result).code).toBe(0)
      }
      report('SIGKILLs', sums)
      expect(sums.failed).toBeGreaterThan(0)
    })

    // A plan is read as a process starts: one for each server, in its first process.
    test('fails 20 assertions of ggml: no reply is wrong or doubled', async () => {
      const random = fractions()
      const sums: Sums = { deaths: 0, whole: 0, failed: 0, healthyMs: [] }
      const plan = path.join(folder, 'plan')
      const quiet = await startIsolated(exactArgs)
      const texts = await quietTexts(quiet, seeds)
      quiet.cli.child.kill('SIGTERM')
      while (sums.deaths < 20) {
        const at = 1 + Math.floor(800 * (random.next().value as number))
        fs.writeFileSync(plan, `logits-abort:${at}`)
        const served = await startIsolated(exactArgs, { fault: `@${plan}` })
        const streams = Promise.all(seeds.map((seed) => stream(served, seed)))
        const last = await engineProcess(served)
        while (isAlive(last)) await sleep(1)
        const diedAt = performance.now()
        add(sums, await survived(served, { diedAt, streams, texts }))
        served.cli.child.kill('SIGTERM')
        const { code, stderr } = await served.cli.result
        expect(code).toBe(0)
        expect(stderr).toContain('made to fail by a test')
      }
      report('aborts', sums)
      expect(sums.failed).toBeGreaterThan(0)
    })
  },
)
