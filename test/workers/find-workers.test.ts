import net from 'node:net'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { WorkerUnavailableError } from '../../src/api/errors.js'
import { findWorkers, waitForWorkers } from '../../src/workers/find-workers.js'
import { settle } from '../support/eventually.js'
import { freePort } from '../support/program.js'
import { type FakeWorker, fakeWorker } from '../support/workers/fake-worker.js'

const devices = [{ freeBytes: 2 ** 30, totalBytes: 2 ** 31 }]
const version = '7.0.0'
const { signal } = new AbortController()

// A busy machine may be late with an answer: it is waited for.
beforeEach(() => {
  vi.spyOn(AbortSignal, 'timeout').mockImplementation(() => new AbortController().signal)
})
afterEach(() => vi.restoreAllMocks())

describe('workers that are looked for', () => {
  test('are found by names and addresses, and have numbers then', async () => {
    const [one, two] = [await fakeWorker({ devices }), await fakeWorker({ devices })]
    const names = [`localhost:${one}`, `127.0.0.1:${two}`]
    expect(await findWorkers(names, { version, signal })).toEqual([
      { name: names[0], endpoint: `127.0.0.1:${one}`, devices },
      { name: names[1], endpoint: `127.0.0.1:${two}`, devices },
    ])
  })

  test('are all refused where one is not there, which is named', async () => {
    const [one, gone] = [await fakeWorker({ devices }), await freePort()]
    const found = findWorkers([`127.0.0.1:${one}`, `127.0.0.1:${gone}`], { version, signal })
    await expect(found).rejects.toBeInstanceOf(WorkerUnavailableError)
    await expect(found).rejects.toThrow(`the worker 127.0.0.1:${gone} refuses the connection`)
  })

  test('are refused where a name has no address', async () => {
    const found = findWorkers(['no-such-host.invalid:50052'], { version, signal })
    await expect(found).rejects.toThrow('the worker no-such-host.invalid:50052 has a name without')
    await expect(found).rejects.toMatchObject({ code: 'ERR_WORKER_UNAVAILABLE' })
  })
})

describe('workers that are waited for', () => {
  test('are found once they are back', async () => {
    const worker: FakeWorker = { devices, isOld: true }
    const port = await fakeWorker(worker)
    const found = waitForWorkers([`127.0.0.1:${port}`], { version, signal, waitMs: 60_000 })
    const early = vi.fn()
    found.then(early, early)
    await new Promise((resolve) => setTimeout(resolve, 50))
    expect(early).not.toHaveBeenCalled()
    worker.isOld = false
    expect(await found).toMatchObject([{ devices }])
  })

  test('are given up once the time is over, with what was wrong last', async () => {
    const gone = `127.0.0.1:${await freePort()}`
    const found = waitForWorkers([gone], { version, signal, waitMs: 1 })
    await expect(found).rejects.toThrow(/refuses the connection .* waited for 1 ms$/)
    await expect(found).rejects.toBeInstanceOf(WorkerUnavailableError)
  })

  test('keep no program alive between two looks', async () => {
    const timers = () => process.getActiveResourcesInfo().filter((one) => one === 'Timeout').length
    const controller = new AbortController()
    const lookUp = vi.spyOn(net, 'connect')
    const before = timers()
    const asked = { version, signal: controller.signal, waitMs: 600_000 }
    const found = waitForWorkers([`127.0.0.1:${await freePort()}`], asked)
    const looked = () => lookUp.mock.results.some(({ value }) => value.destroyed)
    while (!looked()) await settle(1)
    await settle()
    expect(timers()).toBeLessThanOrEqual(before)
    controller.abort()
    await expect(found).rejects.toMatchObject({ name: 'AbortError' })
  })

  test('are given up at once where nobody waits any more', async () => {
    const controller = new AbortController()
    const asked = { version, signal: controller.signal, waitMs: 600_000 }
    const found = waitForWorkers([`127.0.0.1:${await freePort()}`], asked)
    controller.abort()
    await expect(found).rejects.toMatchObject({ name: 'AbortError' })
  })
})
