import { afterEach, describe, expect, test } from 'vitest'
import { useBinding } from '../../src/binding/binding.js'
import { load } from '../../src/engine/load.js'
import { type Prepares, Unprepared } from '../../src/isolation/child-port.js'
import { eventually, settle } from '../support/eventually.js'
import { FakeAddon } from '../support/fake-binding.js'
import type { FakeProcesses } from '../support/isolated/fake-process.js'
import { overProcess } from '../support/isolated/over-process.js'

// What an engine's process needs beside this machine is looked for before each start of it.

const ask = [{ role: 'user', content: 'Tell me a story' }] as const
const killed = { code: null, signal: 'SIGKILL' }
const gone = () => new Unprepared('ERR_WORKER_UNAVAILABLE', 'the worker a:1 is gone')

afterEach(() => useBinding(undefined))

/** Each preparation waits until the test decides what comes of it. */
function prepared() {
  const asked: { isAgain: boolean; signal: AbortSignal; done(): void; fail(e: Error): void }[] = []
  let processes!: FakeProcesses
  const prepare: Prepares = (options, isAgain, signal) =>
    new Promise((resolve, reject) => {
      const done = () => resolve({ ...options, workers: [`10.0.0.${asked.length}:1`] })
      asked.push({ isAgain, signal, done, fail: reject })
    })
  const addon = new FakeAddon({ script: () => ({ tokens: ['a', 'b'] }) })
  const onProcesses = (made: FakeProcesses) => {
    processes = made
  }
  const Engine = overProcess(addon.Engine, { prepare, onProcesses })
  useBinding(Object.assign(Object.create(addon), { Engine }))
  return { asked, processes: () => processes }
}

async function opened() {
  const { asked, processes } = prepared()
  const loading = load({ model: 'a.gguf' })
  await eventually(() => asked.length === 1)
  asked[0]?.done()
  return { asked, processes: processes(), engine: await loading }
}

describe('before the first process', () => {
  test('nothing is started until all is there, and it gets what was found', async () => {
    const { asked, processes } = prepared()
    const loading = load({ model: 'a.gguf' })
    await settle()
    expect(asked).toMatchObject([{ isAgain: false }])
    expect(processes().all).toEqual([])
    asked[0]?.done()
    const engine = await loading
    expect(processes().last.start.options.workers).toEqual(['10.0.0.1:1'])
    await engine.close()
  })

  test('a load is refused for what is not there', async () => {
    const { asked, processes } = prepared()
    const loading = load({ model: 'a.gguf' })
    loading.catch(() => undefined)
    await settle()
    asked[0]?.fail(gone())
    await expect(loading).rejects.toMatchObject({
      code: 'ERR_WORKER_UNAVAILABLE',
      name: 'WorkerUnavailableError',
      message: 'the worker a:1 is gone',
    })
    expect(processes().all).toEqual([])
  })

  test('a load that is given up looks no longer', async () => {
    const { asked, processes } = prepared()
    const controller = new AbortController()
    const loading = load({ model: 'a.gguf', signal: controller.signal })
    loading.catch(() => undefined)
    await settle()
    controller.abort()
    await expect(loading).rejects.toMatchObject({ code: 'ERR_CANCELLED' })
    expect(asked[0]?.signal.aborted).toBe(true)
    asked[0]?.done()
    await settle()
    expect(processes().all).toEqual([])
  })
})

describe('after the death of a process', () => {
  test('requests wait for what the next one needs', async () => {
    const { asked, processes, engine } = await opened()
    processes.last.die(killed)
    await eventually(() => asked.length === 2)
    expect(asked[1]).toMatchObject({ isAgain: true })
    const text = engine.complete('Once').text()
    await settle()
    expect(engine.stats().isRestarting).toBe(true)
    asked[1]?.done()
    expect(await text).toBe('ab')
    expect(processes.last.start.options.workers).toEqual(['10.0.0.2:1'])
    await engine.close()
  })

  test('the engine ends for what does not come back, and says so', async () => {
    const { asked, processes, engine } = await opened()
    processes.last.die(killed)
    await eventually(() => asked.length === 2)
    const reply = engine.chat(ask).text()
    reply.catch(() => undefined)
    asked[1]?.fail(gone())
    const ended = await engine.ended
    expect(ended).toMatchObject({ code: 'ERR_ENGINE_ENDED' })
    expect(ended?.cause).toMatchObject({ code: 'ERR_WORKER_UNAVAILABLE' })
    expect(ended?.message).toContain('the worker a:1 is gone')
    await expect(reply).rejects.toMatchObject({ code: 'ERR_ENGINE_ENDED' })
    expect(processes.all).toHaveLength(1)
  })

  test('a request keeps the program alive meanwhile, and nothing else does', async () => {
    const timers = () => process.getActiveResourcesInfo().filter((one) => one === 'Timeout').length
    const { asked, processes, engine } = await opened()
    const before = timers()
    processes.last.die(killed)
    await eventually(() => asked.length === 2)
    const idle = timers()
    expect(idle).toBeLessThanOrEqual(before)
    const text = engine.complete('Once').text()
    expect(timers()).toBe(idle + 1)
    asked[1]?.done()
    expect(await text).toBe('ab')
    await engine.close()
  })

  test('close() waits for nothing that is looked for', async () => {
    const { asked, processes, engine } = await opened()
    processes.last.die(killed)
    await eventually(() => asked.length === 2)
    await engine.close()
    expect(asked[1]?.signal.aborted).toBe(true)
    expect(processes.all).toHaveLength(1)
  })
})
