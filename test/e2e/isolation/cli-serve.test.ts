import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, describe, expect, test } from 'vitest'
import { killAfterEach } from '../../support/cli.js'
import { eventually } from '../../support/eventually.js'
import {
  childrenOf,
  engineProcess,
  healthy,
  type Isolated,
  isAlive,
  startIsolated,
} from '../../support/isolated/served.js'
import {
  aboutToFail,
  exactArgs,
  faultsOf,
  quietTexts,
  seeds,
  stream,
} from '../../support/isolated/storm.js'
import { randomModel } from '../../support/models/random-model.js'

// `sluice serve --isolation process`: what the death of the engine's process does to the server and
// its clients. The addon fails as the test says: native/llama/test/failing.

killAfterEach()

const isLinux = process.platform === 'linux'
const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'sluice-isolated-'))
afterAll(() => fs.rmSync(folder, { recursive: true, force: true }))

async function metric({ url }: Isolated, name: string): Promise<number> {
  const text = await (await fetch(`${url}/metrics`)).text()
  const line = text.split('\n').find((one) => one.startsWith(name))
  return Number(line?.split(' ').at(-1))
}

/** Some of the streams have text. */
async function underWay(served: Isolated): Promise<void> {
  const tokens = () => metric(served, 'sluice_generation_tokens_total')
  const before = await tokens()
  await eventually(async () => (await tokens()) >= before + 16, 'no stream has text')
}

describe.skipIf(!isLinux)('sluice serve --isolation process, under 32 streams', () => {
  test('outlives SIGKILLs: no reply is wrong, and those that waited are served', async () => {
    const served = await startIsolated([...exactArgs, '--open-metrics'])
    const texts = await quietTexts(served, seeds)
    let last: number | undefined
    let [failed, whole] = [0, 0]
    const restarts = 'sluice_engine_restarts_total{reason="crashed"'
    for (const [kills, wait] of [0, 13, 40].entries()) {
      const streams = Promise.all(seeds.map((seed) => stream(served, seed)))
      last = await engineProcess(served, last)
      await underWay(served)
      await sleep(wait)
      process.kill(last, 'SIGKILL')
      const heard = await streams
      expect(faultsOf(heard, texts)).toEqual([])
      const lost = heard.filter(({ code }) => code !== undefined).length
      failed += lost
      whole += heard.length - lost
      await eventually(async () => (await metric(served, restarts)) === kills + 1)
      await healthy(served)
    }
    expect(failed).toBeGreaterThan(0)
    expect(failed).toBeLessThanOrEqual(3 * 8) // only those that had a slot
    expect(whole).toBe(3 * seeds.length - failed)
    expect(await metric(served, 'sluice_requests_started_total')).toBe(4 * seeds.length)
    // The engine's process tells of its slots a moment after it has told of an end.
    for (const gauge of ['running', 'waiting', 'parked']) {
      const value = () => metric(served, `sluice_num_requests_${gauge}`)
      await eventually(async () => (await value()) === 0, `${gauge} is never 0`)
    }
    served.cli.child.kill('SIGTERM')
    const { code, stderr } = await served.cli.result
    expect(code).toBe(0)
    expect(stderr.match(/process was ended by SIGKILL/g)?.length).toBeGreaterThanOrEqual(3)
    expect(stderr).toMatch(/\d requests fail, \d+ go on, started again in 1000 ms/)
  })

  test.each([
    ['an assertion of ggml', 'logits-abort:300', 'SIGABRT'],
    ['a segmentation fault', 'logits-segv:300', 'SIGSEGV'],
    ['an exit', 'logits-exit:300', 'exit code 7'],
    ['memory that runs out', 'logits-memory:300', 'ended by itself'],
  ])('outlives %s in the engine', async (_, fault, words) => {
    const { served, texts, plan } = await aboutToFail(fault, folder)
    const heard = await Promise.all(seeds.map((seed) => stream(served, seed)))
    expect(faultsOf(heard, texts)).toEqual([])
    const failed = heard.filter(({ code }) => code === 'engine_crashed')
    expect(failed.length).toBeGreaterThan(0)
    for (const { message } of failed) expect(message).toContain(words)
    expect(fs.existsSync(plan)).toBe(false)
  })

  test('ends an engine that is stuck, and goes on with another', async () => {
    const plan = path.join(folder, 'stuck')
    fs.writeFileSync(plan, 'stuck:60:60000')
    const served = await startIsolated([...exactArgs, '--engine-stall-ms', '3000'], {
      fault: `@${plan}`,
    })
    const [first, ...others] = await Promise.all(seeds.map((seed) => stream(served, seed)))
    for (const { code } of [first, ...others].map((one) => one as NonNullable<typeof first>)) {
      expect([undefined, 'engine_crashed']).toContain(code)
    }
    expect(await stream(served, 1)).toMatchObject({ status: 200, code: undefined })
    served.cli.child.kill('SIGTERM')
    expect((await served.cli.result).stderr).toContain('stood still for 3000 ms and was killed')
  })
})

describe.skipIf(!isLinux)('sluice serve --isolation process', () => {
  test('exits with an error and the cause where the engine dies again and again', async () => {
    const served = await startIsolated()
    let last: number | undefined
    for (let i = 0; i < 4; i++) {
      last = await engineProcess(served, last)
      process.kill(last, 'SIGKILL')
    }
    const { code, stderr } = await served.cli.result
    expect(code).toBe(1)
    expect(stderr).toContain('it was started again 3 times within 90 s')
    expect(stderr).toMatch(/SIGKILL.*\(ERR_ENGINE_ENDED\)$/m)
  })

  test('exits with an error and the cause where the model’s file is cut under it', async () => {
    const model = path.join(folder, 'cut.gguf')
    fs.copyFileSync(randomModel({ weights: 'q8_0' }), model)
    const served = await startIsolated([], { model })
    fs.truncateSync(model, 4096)
    const heard = await stream(served, 1)
    expect(heard.code).toMatch(/^engine_(crashed|ended)$/)
    const { code, stderr } = await served.cli.result
    expect(code).toBe(1)
    expect(stderr).toContain('SIGBUS')
    expect(stderr).toContain('could not load the model again')
  })

  test('says on /health that it restarts, while requests wait and are then served', async () => {
    const served = await startIsolated()
    let last: number | undefined
    for (let i = 0; i < 3; i++) {
      last = await engineProcess(served, last)
      process.kill(last, 'SIGKILL')
    } // the next one is started five seconds later
    await eventually(() => childrenOf(served.cli.child.pid as number).length === 0)
    let health = await fetch(`${served.url}/health`)
    // It hears of a death after this process may see it.
    await eventually(async () => {
      if (health.status === 200) health = await fetch(`${served.url}/health`)
      return health.status === 503
    }, 'it says nothing of it')
    expect(health.headers.get('retry-after')).toBe('1')
    expect(((await health.json()) as { error: { code: string } }).error.code).toBe('loading')
    expect(await stream(served, 1)).toMatchObject({ status: 200, code: undefined })
    await healthy(served)
  })

  test('leaves no process behind where it is killed itself', async () => {
    const served = await startIsolated()
    const pid = await engineProcess(served)
    served.cli.child.kill('SIGKILL')
    await eventually(() => !isAlive(pid), 'the process of the engine is still there')
  })

  test('drains after a Ctrl-C that reaches the engine’s process too', async () => {
    const served = await startIsolated(exactArgs)
    const texts = await quietTexts(served, [5])
    const started = () => metric(served, 'sluice_requests_started_total')
    const before = await started()
    const reply = stream(served, 5)
    await eventually(async () => (await started()) > before, 'nothing was asked')
    process.kill(await engineProcess(served), 'SIGINT')
    process.kill(await engineProcess(served), 'SIGTERM')
    served.cli.child.kill('SIGINT')
    expect(await reply).toMatchObject({ text: texts.get(5), code: undefined })
    expect((await served.cli.result).code).toBe(0)
  })
})
