import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { EngineCrash } from '../../src/api/isolation-types.js'
import { useBinding } from '../../src/binding/binding.js'
import type { Engine } from '../../src/engine/engine.js'
import { load } from '../../src/engine/load.js'
import { EngineCrashedError, EngineEndedError } from '../../src/index.js'
import { eventually, settle } from '../support/eventually.js'
import { FakeAddon, type FakeOptions } from '../support/fake-binding.js'
import type { FakeProcesses } from '../support/isolated/fake-process.js'
import { overProcess } from '../support/isolated/over-process.js'
import { counting } from '../support/serve.js'

// An engine whose process dies, as its user sees it: with fakes in the place of the processes, and
// of the engines in them.

const ask = [{ role: 'user', content: 'Tell me a story' }] as const
const killed = { code: null, signal: 'SIGKILL' }
const words = "the engine's process was ended by SIGKILL"
/** Of the tests of standstills, which have a clock of their own. */
const stallMs = 40

interface Isolated {
  readonly addon: FakeAddon
  readonly engine: Engine
  readonly processes: FakeProcesses
  readonly crashes: EngineCrash[]
}

/** What a test does within onCrash. */
let alsoOnCrash: () => void = () => undefined

const unhandled = vi.fn()
beforeEach(() => void process.on('unhandledRejection', unhandled))
afterEach(() => {
  alsoOnCrash = () => undefined
  useBinding(undefined)
  process.off('unhandledRejection', unhandled)
  expect(unhandled).not.toHaveBeenCalled()
})

/** What load() would be called with, and what it makes. */
function isolated(fake: FakeOptions = {}, deadlineMs = 60_000) {
  const crashes: EngineCrash[] = []
  let processes!: FakeProcesses
  const addon = new FakeAddon({ pace: 'manual', script: () => ({ tokens: counting() }), ...fake })
  const Engine = overProcess(addon.Engine, {
    stallMs: deadlineMs,
    onCrash: (crash) => {
      crashes.push(crash)
      alsoOnCrash()
    },
    onProcesses: (made) => {
      processes = made
    },
  })
  useBinding(Object.assign(Object.create(addon), { Engine }))
  return { addon, crashes, processes: () => processes }
}

async function opened(fake: FakeOptions = {}, deadlineMs?: number): Promise<Isolated> {
  const { addon, crashes, processes } = isolated(fake, deadlineMs)
  const engine = await load({ model: 'a.gguf', parallel: 2 })
  return { addon, crashes, engine, processes: processes() }
}

/** The next process has its model. */
async function restarted({ engine, processes, crashes }: Isolated): Promise<void> {
  await eventually(() => processes.all.length === crashes.length + 1)
  await eventually(() => !engine.stats().isRestarting)
  await settle()
}

async function dies(isolated: Isolated): Promise<void> {
  const { processes, crashes } = isolated
  const count = crashes.length
  processes.last.die(killed)
  await eventually(() => crashes.length > count)
}

async function step({ addon }: Isolated, turns = 1): Promise<void> {
  for (let turn = 0; turn < turns; turn++) {
    await settle(5)
    addon.engine.step()
  }
  await settle(5)
}

const told = (promise: Promise<unknown>) =>
  promise.then(
    () => 'done',
    (error: { code?: string }) => error.code,
  )

describe('where the process of an engine is killed', () => {
  test('replies that had begun fail, and the others are answered by the next one', async () => {
    const one = await opened({ script: () => ({ tokens: ['a', 'b', 'c'] }) })
    const { engine, crashes } = one
    const replies = [0, 1, 2].map(() => engine.chat(ask))
    const failures = replies.slice(0, 2).map((reply) => reply.text().catch((error) => error))
    const answered = replies[2]?.text()
    await step(one, 3)
    await eventually(() => engine.stats().tokensGenerated >= 2) // with the texts, or after them
    await dies(one)
    for (const error of await Promise.all(failures)) {
      expect(error).toBeInstanceOf(EngineCrashedError)
      expect(error.message).toContain(words)
    }
    const { reason, signal, failed, kept, retryMs } = crashes[0] as EngineCrash
    expect({ reason, signal, failed, kept, retryMs }).toEqual({
      reason: 'crashed',
      signal: 'SIGKILL',
      failed: 2,
      kept: 1,
      retryMs: 0,
    })
    await restarted(one)
    await step(one, 8)
    expect(await answered).toBe('abc')
    expect(engine.stats()).toMatchObject({
      restartsCrashed: 1,
      running: 0,
      queued: 0,
      started: 3,
      finished: 1,
      failed: 2,
    })
    await engine.close()
  })

  test('the next request has the ids, seeds and prompt that it had', async () => {
    const one = await opened()
    const { engine, addon } = one
    const reply = engine.chat(ask, { n: 2, seed: 11, maxTokens: 5 })
    const all = reply.text()
    await settle()
    const before = addon.engine.submitted
    await dies(one)
    await restarted(one)
    expect(addon.engines).toHaveLength(2)
    expect(addon.engine.submitted).toEqual(before)
    await step(one, 9)
    expect(await all).toBe('0 1 2 3 4 ')
    await engine.close()
  })

  test('a reply that was accepted is so once, and goes on', async () => {
    const one = await opened({ script: () => ({ tokens: ['a'], prefillSteps: 3 }) })
    const reply = one.engine.chat(ask)
    await step(one)
    expect(await reply.accepted).toMatchObject({ promptTokens: 4 })
    await dies(one)
    await restarted(one)
    await step(one, 6)
    expect(await reply.text()).toBe('a')
    await one.engine.close()
  })

  test('a request that outlives two of them fails: it may be the cause', async () => {
    const one = await opened({ script: () => ({ tokens: ['a'], prefillSteps: 99 }) })
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    const error = one.engine
      .chat(ask)
      .text()
      .catch((caught) => caught)
    await step(one, 2)
    for (const delay of [0, 1000]) {
      one.processes.last.die(killed)
      await settle()
      await vi.advanceTimersByTimeAsync(delay)
      await settle()
    }
    vi.useRealTimers()
    expect(await error).toMatchObject({ code: 'ERR_ENGINE_CRASHED' })
    expect((await error).message).toContain('for the second time')
    await restarted(one)
    await one.engine.close()
  })

  test('a request outlives a process that dies before it has a model', async () => {
    const one = await opened({ script: () => ({ tokens: ['a'] }) })
    const text = told(one.engine.chat(ask).text())
    await settle()
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    one.processes.startError = new Error('spawn EAGAIN')
    one.processes.last.die(killed)
    await settle()
    await vi.advanceTimersByTimeAsync(1)
    await settle()
    one.processes.startError = undefined
    await vi.advanceTimersByTimeAsync(1000)
    vi.useRealTimers()
    expect(one.crashes).toMatchObject([
      { failed: 0, kept: 1 },
      { failed: 0, kept: 1 },
    ])
    await restarted(one)
    await step(one, 6)
    expect(await text).toBe('done')
    await one.engine.close()
  })

  test('texts that were to be tokenized are', async () => {
    const one = await opened()
    one.addon.engine.onTextJob = () => undefined
    const tokens = one.engine.tokenize('abc')
    await settle()
    await dies(one)
    expect(await tokens).toHaveLength(3)
    await one.engine.close()
  })

  test('a reply that was cancelled ends as cancelled', async () => {
    const one = await opened()
    const replies = [one.engine.chat(ask), one.engine.chat(ask)]
    const ends = replies.map((reply) => reply.done.then(({ finishReason }) => finishReason))
    await step(one, 4)
    one.addon.engine.isFrozen = true
    for (const reply of replies) reply.cancel()
    await dies(one)
    expect(await Promise.all(ends)).toEqual(['cancelled', 'cancelled'])
    expect(one.engine.stats()).toMatchObject({ cancelled: 2, failed: 0 })
    await one.engine.close()
  })

  test('a request that is cancelled while there is none never reaches the next', async () => {
    const one = await opened()
    one.processes.last.die(killed)
    await eventually(() => one.engine.stats().isRestarting)
    const reply = one.engine.chat(ask)
    const end = told(reply.accepted)
    await settle(1)
    reply.cancel()
    expect(await end).toBe('ERR_CANCELLED')
    await restarted(one)
    expect(one.addon.engine.submitted).toEqual([])
    await one.engine.close()
  })

  test('requests that come meanwhile wait for the next one', async () => {
    const one = await opened({ script: () => ({ tokens: ['a', 'b'] }) })
    one.processes.last.die(killed)
    await eventually(() => one.engine.stats().isRestarting)
    const reply = one.engine.chat(ask)
    const text = reply.text()
    expect(one.engine.closed).toBe(false)
    await restarted(one)
    await step(one, 6)
    expect(await text).toBe('ab')
    await one.engine.close()
  })

  test('the next one has the context that the first one settled on', async () => {
    const one = await opened({ model: { context: 777 } })
    expect(one.processes.last.start.options.context).toBe(0)
    await dies(one)
    await restarted(one)
    expect(one.processes.last.start.options.context).toBe(777)
    await one.engine.close()
  })
})

describe('an engine whose process dies again and again', () => {
  test('ends with the cause, once it was started again three times', async () => {
    const one = await opened()
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    for (const delay of [0, 1000, 5000]) {
      one.processes.last.die(killed)
      await settle()
      await vi.advanceTimersByTimeAsync(delay)
      await settle()
    }
    vi.useRealTimers()
    const reply = one.engine.chat(ask, { n: 2 }) // has both slots
    const [text, done] = [told(reply.text()), told(reply.done)]
    const queued = told(one.engine.chat(ask).text())
    await step(one, 4)
    one.processes.last.die(killed)
    const failure = await one.engine.ended
    expect(failure).toBeInstanceOf(EngineEndedError)
    expect(failure?.cause).toMatchObject({ code: 'ERR_ENGINE_CRASHED' })
    expect(failure?.message).toContain('it was started again 3 times within 90 s')
    expect([await text, await done]).toEqual(['ERR_ENGINE_CRASHED', 'ERR_ENGINE_CRASHED'])
    expect(await queued).toBe('ERR_ENGINE_ENDED')
    expect(await told(one.engine.tokenize('a'))).toBe('ERR_ENGINE_ENDED')
    expect(one.crashes.map(({ retryMs }) => retryMs)).toEqual([0, 1000, 5000, undefined])
    expect(one.engine.stats()).toMatchObject({ restartsCrashed: 3, isRestarting: false })
    await one.engine.close()
  })

  test.each([
    ['not started', false],
    ['refused at once', true],
  ])('ends with why its process was %s', async (_, startThrows) => {
    const one = await opened({ load: 'auto' })
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    one.processes.startThrows = startThrows
    one.processes.startError = new Error('spawn ENOMEM')
    one.processes.last.die(killed)
    for (const delay of [0, 1000, 5000]) {
      await settle()
      await vi.advanceTimersByTimeAsync(delay)
      await settle()
    }
    vi.useRealTimers()
    expect((await one.engine.ended)?.message).toContain('could not be started: spawn ENOMEM')
  })
})

test('an engine that ends by itself is started again in another process', async () => {
  const one = await opened()
  const reply = one.engine.chat(ask)
  const error = reply.text().catch((caught) => caught)
  await step(one, 4)
  one.addon.engine.die()
  expect(await error).toMatchObject({ code: 'ERR_ENGINE_CRASHED' })
  expect((await error).message).toContain('ended by itself: memory ran out')
  await restarted(one)
  expect(one.engine.stats()).toMatchObject({ restartsFailed: 1, restartsCrashed: 0 })
  expect(one.crashes[0]).toMatchObject({ reason: 'failed', failed: 1 })
  await one.engine.close()
})

describe('an engine that stands still', () => {
  const looks = ['setInterval', 'clearInterval'] as const

  test('has its process killed and is started again', async () => {
    vi.useFakeTimers({ toFake: [...looks] })
    const one = await opened({}, stallMs)
    const text = told(one.engine.chat(ask).text())
    await step(one, 4)
    one.processes.last.isHung = true
    one.addon.engine.isFrozen = true
    one.engine.tokenize('a').catch(() => undefined) // which it does not answer
    for (let i = 0; i < 20 && one.crashes.length === 0; i++) {
      await vi.advanceTimersByTimeAsync(stallMs / 8)
      await settle(5)
    }
    vi.useRealTimers()
    expect(one.crashes).toMatchObject([{ reason: 'stalled', signal: 'SIGKILL' }])
    expect(await text).toBe('ERR_ENGINE_CRASHED')
    await restarted(one)
    expect(one.engine.stats()).toMatchObject({ restartsStalled: 1 })
    await one.engine.close()
  })

  test('is left alone while nothing is asked of it', async () => {
    vi.useFakeTimers({ toFake: [...looks] })
    const one = await opened({}, stallMs)
    one.processes.last.isHung = true
    for (let i = 0; i < 40; i++) {
      await vi.advanceTimersByTimeAsync(stallMs / 8)
      await settle(2)
    }
    vi.useRealTimers()
    expect(one.crashes).toEqual([])
    one.processes.last.isHung = false
    await one.engine.close()
  })
})

describe('a load whose process dies', () => {
  test('rejects with ERR_ENGINE_CRASHED and why', async () => {
    const { processes } = isolated({ load: 'held' })
    const loading = load({ model: 'a.gguf' })
    loading.catch(() => undefined)
    await settle()
    processes().last.die({ code: null, signal: 'SIGABRT' })
    await expect(loading).rejects.toThrow(/SIGABRT .* while it loaded the model$/)
    await expect(loading).rejects.toMatchObject({ code: 'ERR_ENGINE_CRASHED' })
  })

  test('rejects as the engine says where it does', async () => {
    const { addon, processes } = isolated({ load: 'held' })
    const loading = load({ model: 'a.gguf' })
    loading.catch(() => undefined)
    await eventually(() => addon.engines.length === 1)
    addon.engine.failLoad({ code: 'ERR_MODEL_INVALID', message: 'no GGUF' })
    await expect(loading).rejects.toMatchObject({ code: 'ERR_MODEL_INVALID', message: 'no GGUF' })
    expect(processes().all).toHaveLength(1)
  })
})

test('a load that hangs is given up by its signal', async () => {
  const { addon, processes } = isolated({ load: 'held' })
  const controller = new AbortController()
  const loading = told(load({ model: 'a.gguf', signal: controller.signal }))
  await eventually(() => addon.engines.length === 1)
  processes().last.isHung = true
  controller.abort()
  expect(await loading).toBe('ERR_CANCELLED')
})

describe('close() of an engine with a process of its own', () => {
  test('resolves once the process has ended; what is under way ends with ERR_CLOSED', async () => {
    const one = await opened()
    const reply = told(one.engine.chat(ask).text())
    await step(one, 4)
    await one.engine.close()
    expect(await reply).toBe('ERR_CLOSED')
    expect(one.crashes).toEqual([])
  })

  test('resolves where the process dies meanwhile, and none is started', async () => {
    const one = await opened()
    const closing = one.engine.close()
    one.processes.last.die(killed)
    await closing
    expect(one.processes.all).toHaveLength(1)
    expect(one.engine.failure).toBeUndefined()
  })

  test('resolves where the next process hangs as it loads', async () => {
    const one = await opened()
    one.processes.startsHung = true
    await dies(one)
    await eventually(() => one.processes.all.length === 2)
    await one.engine.close()
    expect(one.processes.all).toHaveLength(2)
  })

  test('resolves where there is no process just now', async () => {
    const one = await opened()
    one.processes.last.die(killed)
    await eventually(() => one.engine.stats().isRestarting)
    const reply = told(one.engine.chat(ask).text())
    await one.engine.close()
    expect(await reply).toBe('ERR_CLOSED')
  })
})

describe('within onCrash', () => {
  test('the engine can be closed, and no process is started', async () => {
    const one = await opened()
    let closing: Promise<void> | undefined
    alsoOnCrash = () => {
      closing = one.engine.close()
    }
    const reply = told(one.engine.chat(ask).text())
    await settle()
    await dies(one)
    await closing
    expect(await reply).toBe('ERR_CLOSED')
    expect(one.processes.all).toHaveLength(1)
  })

  test('a request can be cancelled, and never reaches the next process', async () => {
    const one = await opened()
    const reply = one.engine.chat(ask)
    const end = told(reply.accepted)
    await settle()
    alsoOnCrash = () => reply.cancel()
    await dies(one)
    expect(await end).toBe('ERR_CANCELLED')
    await restarted(one)
    expect(one.addon.engine.submitted).toEqual([])
    await one.engine.close()
  })
})

test('what is asked within a turn of the event loop is one message', async () => {
  const one = await opened()
  const replies = [0, 1, 2].map(() => one.engine.chat(ask))
  const texts = replies.map((reply) => told(reply.text()))
  await settle()
  const [batch, ...more] = one.processes.last.batches
  expect(batch?.map(({ kind }) => kind)).toEqual(['generate', 'generate', 'generate'])
  expect(more).toEqual([])
  await one.engine.close()
  await Promise.all(texts)
})

test('a process keeps the event loop alive only while something is waited for', async () => {
  const one = await opened({ script: () => ({ tokens: ['a'] }) })
  const { last } = one.processes
  expect(last.isReferenced).toBe(false)
  const text = one.engine.chat(ask).text()
  expect(last.isReferenced).toBe(true)
  await step(one, 5)
  await text
  expect(last.isReferenced).toBe(false)
  await one.engine.close()
})
