import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { EngineFailedError, OutOfMemoryError } from '../../src/api/errors.js'
import { poolOf } from '../support/pool/fake-pool.js'

// Models are made up: they take bytes of a budget of 100, and load when the test says so. Time is
// the test's too.

beforeEach(() => {
  vi.useFakeTimers()
})

afterEach(() => {
  vi.useRealTimers()
})

/** Everything happens that needs no time. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await vi.advanceTimersByTimeAsync(0)
}

const outcome = (promise: Promise<unknown>) =>
  promise.then(
    () => 'done',
    (error: Error & { code?: string }) => error.code ?? error.message,
  )

function states(pool: ReturnType<typeof poolOf>['pool']): string {
  return pool
    .list()
    .map(({ name, state }) => `${name} ${state}`)
    .join(', ')
}

describe('a load', () => {
  test('a model is loaded at its first use, once for all that wait', async () => {
    const { pool, events, source } = poolOf({ a: 50, b: 50 })
    source('a').isAuto = false
    const uses = [pool.use('a'), pool.use('a'), pool.use('a')]
    await settle()
    expect(states(pool)).toBe('a loading, b unloaded')
    expect(pool.status('a').waiting).toBe(3)
    source('a').load.succeed()
    const engines = (await Promise.all(uses)).map(({ engine }) => engine)
    expect(new Set(engines)).toEqual(new Set([source('a').engine]))
    expect(pool.status('a')).toMatchObject({ state: 'loaded', inUse: 3, waiting: 0, loads: 1 })
    expect(events).toEqual(['loading a', 'loaded a'])
    expect(pool.bytes).toBe(50)
  })

  test('loads come one after the other, in the order in which models were asked for', async () => {
    const { pool, source } = poolOf({ a: 30, b: 30, c: 30 })
    const all = ['a', 'b', 'c'].map((name) => {
      source(name).isAuto = false
      return pool.use(name)
    })
    for (const name of ['a', 'b', 'c']) {
      await settle()
      expect(source(name).loads).toHaveLength(1)
      const others = ['a', 'b', 'c'].filter((one) => pool.status(one).state === 'loading')
      expect(others[0]).toBe(name)
      source(name).load.succeed()
    }
    await Promise.all(all)
    expect(pool.bytes).toBe(90)
  })

  test('a load goes on for the others when one that waits has left', async () => {
    const { pool, source } = poolOf({ a: 50 })
    source('a').isAuto = false
    const leaver = new AbortController()
    const gone = outcome(pool.use('a', leaver.signal))
    const stays = pool.use('a')
    await settle()
    leaver.abort(new Error('left'))
    expect(await gone).toBe('left')
    expect(source('a').load.signal.aborted).toBe(false)
    source('a').load.succeed()
    await stays
    expect(pool.status('a').inUse).toBe(1)
  })

  test('a load goes on when all that wait have left, and the next one finds it', async () => {
    const { pool, source } = poolOf({ a: 50 })
    source('a').isAuto = false
    const leaver = new AbortController()
    const gone = outcome(pool.use('a', leaver.signal))
    await settle()
    leaver.abort(new Error('left'))
    await gone
    source('a').load.succeed()
    await settle()
    expect(pool.status('a')).toMatchObject({ state: 'loaded', inUse: 0, loads: 1 })
    await pool.use('a')
    expect(source('a').loads).toHaveLength(1)
  })

  test('a load that has not begun does not begin once all that wait have left', async () => {
    const { pool, source } = poolOf({ a: 50, b: 50 })
    source('a').isAuto = false
    const first = pool.use('a')
    const leaver = new AbortController()
    const gone = outcome(pool.use('b', leaver.signal))
    await settle()
    leaver.abort(new Error('left'))
    expect(await gone).toBe('left')
    expect(pool.status('b').state).toBe('unloaded')
    source('a').load.succeed()
    await first
    await settle()
    expect(source('b').loads).toHaveLength(0)
  })

  test('a signal that is aborted already asks for nothing', async () => {
    const { pool, source } = poolOf({ a: 50 })
    expect(await outcome(pool.use('a', AbortSignal.abort(new Error('left'))))).toBe('left')
    await settle()
    expect(source('a').measures).toEqual([])
  })

  test('no more may wait for a load than the queue has room for', async () => {
    const { pool, source } = poolOf({ a: 50 })
    source('a').isAuto = false
    source('a').queueMax = 2
    void pool.use('a')
    void pool.use('a')
    expect(await outcome(pool.use('a'))).toBe('ERR_OVERLOADED')
  })

  test('a model is loaded without being used, where that is asked for', async () => {
    const { pool, events } = poolOf({ a: 50 })
    const loaded = pool.load('a')
    await settle()
    await loaded
    expect(pool.status('a')).toMatchObject({ state: 'loaded', inUse: 0 })
    await pool.load('a')
    expect(events).toEqual(['loading a', 'loaded a'])
  })

  test('a name that is not there is refused with those that are', async () => {
    const { pool } = poolOf({ a: 50, b: 50 })
    await expect(pool.use('c')).rejects.toThrow("there is no model 'c' here, but a, b")
  })
})

describe('memory', () => {
  test('the least recently used model goes for another, by the end of its use', async () => {
    const { pool, events } = poolOf({ a: 40, b: 40, c: 40 })
    const [a, b] = await both(pool, 'a', 'b')
    b?.release()
    a?.release()
    const c = pool.use('c')
    await settle()
    await c
    expect(events.slice(4)).toEqual(['unloaded b memory', 'loading c', 'loaded c'])
    expect(pool.bytes).toBe(80)
  })

  test('memory counts as taken until the engine that had it has ended', async () => {
    const { pool, source } = poolOf({ a: 60, b: 60 })
    const [a] = await both(pool, 'a')
    source('a').engine.isSlow = true
    a?.release()
    const b = pool.use('b')
    await settle()
    expect(source('a').engine.closed).toBe(true)
    expect(source('b').loads).toHaveLength(0)
    expect(pool.bytes).toBe(60)
    source('a').engine.end()
    await settle()
    await b
    expect(pool.bytes).toBe(60)
  })

  test('a model that is used stays, and who needs its memory waits for its end', async () => {
    const { pool, source, events } = poolOf({ a: 60, b: 60 })
    const [a] = await both(pool, 'a')
    const b = pool.use('b')
    await settle()
    expect(source('a').engine.closed).toBe(false)
    expect(pool.status('b')).toMatchObject({ state: 'loading', waiting: 1 })
    a?.release()
    await settle()
    await b
    expect(events.slice(2)).toEqual(['unloaded a memory', 'loading b', 'loaded b'])
  })

  test('a model that was used without end takes no more once another has waited', async () => {
    const { pool, source, events } = poolOf({ a: 60, b: 60 })
    const [first] = await both(pool, 'a')
    const b = pool.use('b')
    await settle()
    const second = await pool.use('a') // there is room for it as long as nobody waited long
    await vi.advanceTimersByTimeAsync(5000)
    const third = outcome(pool.use('a'))
    await settle()
    expect(pool.status('a')).toMatchObject({ inUse: 2, waiting: 1, state: 'loaded' })
    first?.release()
    second.release()
    await settle()
    const { release } = await b
    expect(source('a').loads).toHaveLength(1)
    release()
    await settle()
    expect(await third).toBe('done')
    expect(events.filter((one) => one.startsWith('loaded'))).toEqual([
      'loaded a',
      'loaded b',
      'loaded a',
    ])
  })

  test('a model takes uses again when one use outlasts the wait, and both wait anew', async () => {
    const { pool, source } = poolOf({ x: 60, a: 60 })
    source('a').queueDeadlineMs = 20_000
    const [long] = await both(pool, 'x')
    const loaded = outcome(pool.load('a'))
    const first = outcome(pool.use('a'))
    await vi.advanceTimersByTimeAsync(5000)
    const held = pool.use('x')
    await vi.advanceTimersByTimeAsync(10_000)
    const second = pool.use('a')
    await vi.advanceTimersByTimeAsync(9999)
    expect(pool.status('x').waiting).toBe(1)
    await vi.advanceTimersByTimeAsync(1)
    ;(await held).release()
    expect(pool.status('a').state).toBe('loading')
    await vi.advanceTimersByTimeAsync(4999)
    ;(await pool.use('x')).release()
    await vi.advanceTimersByTimeAsync(1)
    const last = outcome(pool.use('x'))
    await settle()
    expect(pool.status('x').waiting).toBe(1)
    long?.release()
    await settle()
    expect(await loaded).toBe('done')
    ;(await second).release()
    await settle()
    expect(await last).toBe('done')
    expect(await first).toBe('ERR_QUEUE_TIMEOUT')
  })

  test('a load that no request waits for holds nobody, and comes when there is room', async () => {
    const { pool } = poolOf({ x: 60, a: 60 })
    const [long] = await both(pool, 'x')
    const loaded = outcome(pool.load('a'))
    for (let minute = 0; minute < 3; minute++) {
      await vi.advanceTimersByTimeAsync(6000)
      ;(await pool.use('x')).release()
      await vi.advanceTimersByTimeAsync(54_000)
    }
    expect(states(pool)).toBe('x loaded, a loading')
    long?.release()
    await settle()
    expect(await loaded).toBe('done')
  })

  test('one that has waited for long lets those behind it go first', async () => {
    const { pool, source, events } = poolOf({ x: 60, a: 60, b: 50, c: 90 })
    source('a').queueDeadlineMs = 20_000
    const [long] = await both(pool, 'x')
    const all = ['a', 'b', 'c'].map((name) => outcome(pool.load(name)))
    await vi.advanceTimersByTimeAsync(25_000)
    long?.release()
    await settle()
    expect(await Promise.all(all)).toEqual(['done', 'done', 'done'])
    const order = events.filter((one) => one.startsWith('loaded'))
    expect(order).toEqual(['loaded x', 'loaded b', 'loaded c', 'loaded a'])
  })

  test('one that fits as it is passes one that waits, once, and takes its turn after', async () => {
    const { pool, source, events } = poolOf({ x: 60, a: 90, c: 20 }, { idleMs: 1000 })
    const [long] = await both(pool, 'x')
    const a = pool.use('a')
    await settle()
    const c = pool.use('c')
    await settle()
    const { release } = await c
    expect(states(pool)).toBe('x loaded, a loading, c loaded')
    await vi.advanceTimersByTimeAsync(5000)
    release()
    await vi.advanceTimersByTimeAsync(1000)
    expect(states(pool)).toBe('x loaded, a loading, c unloaded')
    const again = outcome(pool.use('c'))
    await settle()
    expect(source('c').loads).toHaveLength(1)
    long?.release()
    await settle()
    ;(await a).release()
    await settle()
    expect(await again).toBe('done')
    const order = events.filter((one) => one.startsWith('loaded'))
    expect(order).toEqual(['loaded x', 'loaded c', 'loaded a', 'loaded c'])
  })

  test('one behind a model that waits fails where it can never have room', async () => {
    const { pool } = poolOf({ x: 60, a: 60, c: 101 })
    await both(pool, 'x')
    pool.load('a').catch(() => undefined)
    await settle()
    const c = outcome(pool.load('c'))
    await settle()
    expect(await c).toBe('ERR_OUT_OF_MEMORY')
    expect(pool.status('a').state).toBe('loading')
  })

  test('a model takes uses again when the one that waited for it has left', async () => {
    const { pool, source } = poolOf({ a: 60, b: 60 })
    await both(pool, 'a')
    const leaver = new AbortController()
    const gone = outcome(pool.use('b', leaver.signal))
    await settle()
    await vi.advanceTimersByTimeAsync(5000)
    const held = pool.use('a')
    await settle()
    expect(pool.status('a').waiting).toBe(1)
    leaver.abort(new Error('left'))
    await gone
    await held
    expect(pool.status('a')).toMatchObject({ inUse: 2, waiting: 0, loads: 1 })
    await settle()
    expect(source('b').loads).toHaveLength(0)
  })

  test('a request that waits for memory for too long is told so', async () => {
    const { pool, source } = poolOf({ a: 60, b: 60 })
    source('b').queueDeadlineMs = 1000
    await both(pool, 'a')
    const b = outcome(pool.use('b'))
    await vi.advanceTimersByTimeAsync(1000)
    expect(await b).toBe('ERR_QUEUE_TIMEOUT')
    expect(pool.status('b')).toMatchObject({ state: 'unloaded', waiting: 0 })
  })

  test('a load under way has no deadline', async () => {
    const { pool, source } = poolOf({ a: 60 })
    source('a').queueDeadlineMs = 1000
    source('a').isAuto = false
    const a = pool.use('a')
    await vi.advanceTimersByTimeAsync(10_000)
    source('a').load.succeed()
    await settle()
    await a
  })

  test('a load by itself has no deadline, and takes no place of a request', async () => {
    const { pool, source } = poolOf({ a: 60, b: 60 })
    source('b').queueDeadlineMs = 1000
    source('b').queueMax = 1
    const [a] = await both(pool, 'a')
    const loaded = [pool.load('b'), pool.load('b')].map(outcome)
    await settle()
    const used = outcome(pool.use('b'))
    expect(pool.status('b').waiting).toBe(1)
    expect(await outcome(pool.use('b'))).toBe('ERR_OVERLOADED')
    await vi.advanceTimersByTimeAsync(3000)
    expect(await used).toBe('ERR_QUEUE_TIMEOUT')
    expect(pool.status('b')).toMatchObject({ state: 'loading', waiting: 0 })
    a?.release()
    await settle()
    expect(await Promise.all(loaded)).toEqual(['done', 'done'])
    expect(states(pool)).toBe('a unloaded, b loaded')
  })

  test('a model that is larger than the budget fails and takes nobody with it', async () => {
    const { pool, source } = poolOf({ a: 60, b: 101 })
    const [a] = await both(pool, 'a')
    a?.release()
    const b = outcome(pool.use('b'))
    await settle()
    expect(await b).toBe('ERR_OUT_OF_MEMORY')
    expect(states(pool)).toBe('a loaded, b failed')
    expect(source('b').loads).toHaveLength(0)
  })

  test('where the system has less than was counted on, an idle model goes for it', async () => {
    const { pool, source, events } = poolOf({ a: 20, b: 20 })
    const [a] = await both(pool, 'a')
    a?.release()
    source('b').isAuto = false
    const b = pool.use('b')
    await settle()
    source('b').load.fail(new OutOfMemoryError('a GPU is full'))
    await settle()
    source('b').load.succeed()
    await b
    expect(events.slice(2)).toEqual(['loading b', 'unloaded a memory', 'loading b', 'loaded b'])
  })

  test('where that memory is in use, the load has failed', async () => {
    const { pool, source } = poolOf({ a: 20, b: 20 })
    await both(pool, 'a')
    source('b').isAuto = false
    const b = outcome(pool.use('b'))
    await settle()
    source('b').load.fail(new OutOfMemoryError('a GPU is full'))
    expect(await b).toBe('ERR_OUT_OF_MEMORY')
    expect(states(pool)).toBe('a loaded, b failed')
  })
})

describe('a worker of two models', () => {
  function sharing() {
    const made = poolOf({ a: 20, b: 20, c: 20 })
    for (const name of ['a', 'b']) made.source(name).workers = ['10.0.0.2:50052']
    made.source('b').workers.push('10.0.0.3:50052')
    return made
  }

  test('serves one of them, and the idle one goes before the other is measured', async () => {
    const { pool, source, events } = sharing()
    const a = await pool.use('a')
    a.release()
    const isFree = vi.fn(() => source('a').engine.closed)
    vi.spyOn(source('b'), 'measure').mockImplementation(async () => {
      expect(isFree()).toBe(true)
      return source('b').bytes
    })
    await pool.use('b')
    expect(isFree).toHaveBeenCalledOnce()
    expect(events.slice(2)).toEqual(['unloaded a memory', 'loading b', 'loaded b'])
  })

  test('is waited for where the other one runs, and no third model is', async () => {
    const { pool, source } = sharing()
    const a = await pool.use('a')
    const b = pool.use('b')
    await settle()
    expect(source('b').measures).toEqual([])
    await pool.use('c')
    expect(states(pool)).toBe('a loaded, b loading, c loaded')
    a.release()
    await b
    expect(states(pool)).toBe('a unloaded, b loaded, c loaded')
  })

  test('is not asked by a survey while it serves', async () => {
    const { pool, source } = sharing()
    await pool.use('a')
    pool.survey()
    await settle()
    expect([source('b').measures, source('c').measures]).toMatchObject([[], [{}]])
  })

  test('is kept from a model that is known to be too large', async () => {
    const { pool, source } = sharing()
    source('b').bytes = { file: 'b', weights: 101, other: 0 }
    for (let i = 0; i < 2; i++) {
      const a = await pool.use('a')
      a.release()
      expect(await outcome(pool.use('b'))).toBe('ERR_OUT_OF_MEMORY')
      await vi.advanceTimersByTimeAsync(1000)
    }
    // To measure it the first time took the worker.
    expect(states(pool)).toBe('a loaded, b failed, c unloaded')
    expect(source('a').loads).toHaveLength(2)
  })

  test('is left by who gives up', async () => {
    const { pool } = sharing()
    await pool.use('a')
    const controller = new AbortController()
    const b = outcome(pool.use('b', controller.signal))
    await settle()
    controller.abort(new Error('left'))
    expect(await b).toBe('left')
    await settle()
    expect(states(pool)).toBe('a loaded, b unloaded, c unloaded')
  })
})

describe('failure', () => {
  test('a load that fails is told to all that wait, and at once to those that follow', async () => {
    const { pool, source, events } = poolOf({ a: 50 })
    source('a').isAuto = false
    const all = [pool.use('a'), pool.use('a')].map(outcome)
    await settle()
    source('a').load.fail(new EngineFailedError('broken'))
    expect(await Promise.all(all)).toEqual(['ERR_ENGINE_FAILED', 'ERR_ENGINE_FAILED'])
    expect(await outcome(pool.use('a'))).toBe('ERR_ENGINE_FAILED')
    expect(source('a').loads).toHaveLength(1)
    expect(pool.status('a')).toMatchObject({ state: 'failed', failures: 1 })
    expect(events).toEqual(['loading a', 'failed a'])
  })

  test('a load that failed is tried again after 1 s, 2 s, 4 s and a minute at most', async () => {
    const { pool, source } = poolOf({ a: 50 })
    const a = source('a')
    a.isAuto = false
    for (const seconds of [1, 2, 4, 8, 16, 32, 60, 60]) {
      const tried = outcome(pool.use('a'))
      await settle()
      a.load.fail(new EngineFailedError('broken'))
      await tried
      const loads = a.loads.length
      expect(pool.retryMs('a')).toBe(seconds * 1000)
      await vi.advanceTimersByTimeAsync(seconds * 1000 - 1)
      expect(await outcome(pool.use('a'))).toBe('ERR_ENGINE_FAILED')
      expect(a.loads).toHaveLength(loads)
      await vi.advanceTimersByTimeAsync(1)
    }
    const last = pool.use('a')
    await settle()
    a.load.succeed()
    await last
    expect(pool.status('a').error).toBeUndefined()
    expect(pool.retryMs('a')).toBe(0)
  })

  test('a load that is asked for by name waits for no second try', async () => {
    const { pool, source } = poolOf({ a: 50 })
    source('a').measureError = new EngineFailedError('broken')
    const tried = outcome(pool.use('a'))
    await settle()
    await tried
    source('a').measureError = undefined
    const loaded = pool.load('a')
    await settle()
    await loaded
    expect(pool.status('a').state).toBe('loaded')
  })

  test('one that fails keeps nobody else from being loaded', async () => {
    const { pool, source } = poolOf({ a: 50, b: 50 })
    source('a').measureError = new EngineFailedError('broken')
    const a = outcome(pool.use('a'))
    const b = outcome(pool.use('b'))
    await settle()
    expect([await a, await b]).toEqual(['ERR_ENGINE_FAILED', 'done'])
  })

  test('an engine that ended by itself is loaded again, its memory free meanwhile', async () => {
    const { pool, source } = poolOf({ a: 50 })
    const [use] = await both(pool, 'a')
    source('a').engine.end(new EngineFailedError('ended'))
    await settle()
    expect(pool.status('a')).toMatchObject({ state: 'failed', failures: 1 })
    expect(pool.bytes).toBe(0)
    use?.release()
    await vi.advanceTimersByTimeAsync(1000)
    const again = pool.use('a')
    await settle()
    await again
    expect(pool.status('a')).toMatchObject({ state: 'loaded', inUse: 1, loads: 2 })
    use?.release() // of the engine that is gone, and twice
    expect(pool.status('a').inUse).toBe(1)
  })

  test('an engine that ends after each load is tried less and less often', async () => {
    const { pool, source } = poolOf({ a: 50 })
    const dies = async (afterMs: number) => {
      const [use] = await both(pool, 'a')
      await vi.advanceTimersByTimeAsync(afterMs)
      source('a').engine.end(new EngineFailedError('ended'))
      await settle()
      use?.release()
      const retryMs = pool.retryMs('a')
      await vi.advanceTimersByTimeAsync(retryMs)
      return retryMs
    }
    expect(await dies(0)).toBe(1000)
    expect(await dies(59_000)).toBe(2000)
    expect(await dies(0)).toBe(4000)
    expect(await dies(60_000)).toBe(1000) // it has run for a while
    expect(await dies(0)).toBe(2000)
    const [well] = await both(pool, 'a')
    well?.release()
    await pool.unload('a')
    expect(await dies(0)).toBe(1000) // it was unloaded in good health
  })

  test('an engine that its user closed counts as unloaded', async () => {
    const { pool, source, events } = poolOf({ a: 50 })
    await both(pool, 'a')
    await source('a').engine.close()
    await settle()
    expect(events.at(-1)).toBe('unloaded a closed')
    const again = pool.use('a')
    await settle()
    await again
  })
})

describe('unloading', () => {
  test('a model without a use is unloaded after a while, and each use begins it anew', async () => {
    const { pool, events } = poolOf({ a: 50 }, { idleMs: 1000 })
    const [first] = await both(pool, 'a')
    await vi.advanceTimersByTimeAsync(5000)
    first?.release()
    await vi.advanceTimersByTimeAsync(999)
    const second = await pool.use('a')
    await vi.advanceTimersByTimeAsync(5000)
    second.release()
    expect(states(pool)).toBe('a loaded')
    await vi.advanceTimersByTimeAsync(1000)
    expect(states(pool)).toBe('a unloaded')
    expect(events.at(-1)).toBe('unloaded a idle')
  })

  test('when that is, is told by the system’s clock as it is then', async () => {
    const { pool } = poolOf({ a: 50 }, { idleMs: 1000 })
    const use = await pool.use('a')
    use.release()
    await vi.advanceTimersByTimeAsync(400)
    for (const hours of [24, -25]) {
      vi.setSystemTime(Date.now() + hours * 3_600_000)
      expect(pool.idleAt('a')).toBe(Date.now() + 600)
    }
    await vi.advanceTimersByTimeAsync(600)
    expect(states(pool)).toBe('a unloaded')
  })

  test('a model that was loaded and never used is unloaded after a while as well', async () => {
    const { pool } = poolOf({ a: 50 }, { idleMs: 1000 })
    const loaded = pool.load('a')
    await settle()
    await loaded
    await vi.advanceTimersByTimeAsync(1000)
    expect(states(pool)).toBe('a unloaded')
  })

  test('an unload waits for uses, and who comes meanwhile has it loaded anew', async () => {
    const { pool, source, events } = poolOf({ a: 50 })
    const [use] = await both(pool, 'a')
    const unloaded = outcome(pool.unload('a'))
    const next = pool.use('a')
    await settle()
    expect(source('a').engine.closed).toBe(false)
    expect(pool.status('a').state).toBe('loading')
    use?.release()
    await settle()
    expect(await unloaded).toBe('done')
    await next
    expect(events.slice(2)).toEqual(['unloaded a asked', 'loading a', 'loaded a'])
  })

  test('an unload gives a load up, and who waited is told', async () => {
    const { pool, source } = poolOf({ a: 50 })
    source('a').isAuto = false
    const waits = outcome(pool.use('a'))
    await settle()
    await pool.unload('a')
    expect(await waits).toBe('ERR_CLOSED')
    expect(source('a').load.signal.aborted).toBe(true)
    expect(pool.status('a')).toMatchObject({ state: 'unloaded', failures: 0 })
    const again = pool.use('a')
    await settle()
    source('a').load.succeed()
    await again
  })

  test('a load that succeeds all the same once it was given up leaves nothing behind', async () => {
    const { pool, source } = poolOf({ a: 50 })
    source('a').isAuto = false
    const waits = outcome(pool.use('a'))
    await settle()
    const { load } = source('a')
    load.succeed()
    void pool.unload('a')
    await waits
    await settle()
    expect(source('a').engine.closed).toBe(true)
    expect(pool.bytes).toBe(0)
  })

  test('an unload by who is told of the load ends no engine that requests are given', async () => {
    let unloaded: Promise<void> | undefined
    const { pool, source } = poolOf(
      { a: 50 },
      {
        onEvent: ({ kind }) => {
          if (kind === 'loaded') unloaded = pool.unload('a')
        },
      },
    )
    const [use] = await both(pool, 'a')
    await settle()
    expect(use?.engine.closed).toBe(false)
    expect(source('a').engine.closed).toBe(false)
    use?.release()
    await unloaded
    expect(pool.status('a')).toMatchObject({ state: 'unloaded', unloads: 1 })
  })

  test('an unload of what is not loaded does nothing', async () => {
    const { pool, events } = poolOf({ a: 50 })
    await pool.unload('a')
    expect(events).toEqual([])
  })
})

describe('the end', () => {
  test('close() ends engines in use, a load under way, and those that wait', async () => {
    const { pool, source } = poolOf({ a: 30, b: 30, c: 30 })
    source('b').isAuto = false
    await both(pool, 'a')
    const waits = ['b', 'c'].map((name) => outcome(pool.use(name)))
    await settle()
    const closed = outcome(Promise.all([pool.close(), pool.close()]))
    await settle()
    expect(await closed).toBe('done')
    expect(await Promise.all(waits)).toEqual(['ERR_CLOSED', 'ERR_CLOSED'])
    expect(source('a').engine.closed).toBe(true)
    expect(source('b').load.signal.aborted).toBe(true)
    expect(source('c').loads).toHaveLength(0)
    expect(pool.bytes).toBe(0)
    expect(await outcome(pool.use('a'))).toBe('ERR_CLOSED')
    expect(vi.getTimerCount()).toBe(0)
  })

  test('a pool that was never used closes at once', async () => {
    await poolOf({ a: 50 }).pool.close()
  })
})

describe('a survey', () => {
  test('is no last word: what a model takes is asked again before it is loaded', async () => {
    const { pool, source } = poolOf({ a: 10, b: 80 })
    pool.survey()
    await settle()
    source('a').isReplaced = true
    source('a').bytes = { file: 'replaced', weights: 40, other: 0 }
    await pool.load('b')
    const a = pool.load('a')
    await settle()
    await a
    expect(pool.bytes).toBe(40)
    expect(states(pool)).toBe('a loaded, b unloaded')
  })

  test('a survey measures each model once, and a load comes before the rest of it', async () => {
    const { pool, source } = poolOf({ a: 10, b: 20, c: 30 })
    pool.survey()
    const c = pool.use('c')
    await settle()
    await c
    expect(['a', 'b', 'c'].map((name) => source(name).measures.length)).toEqual([1, 1, 1])
    expect(pool.list().map(({ bytes }) => bytes)).toEqual([10, 20, 30])
    expect(states(pool)).toBe('a unloaded, b unloaded, c loaded')
  })

  test('what cannot be measured is no failure before it is asked for', async () => {
    const { pool, source } = poolOf({ a: 10, b: 20 })
    source('a').measureError = new EngineFailedError('broken')
    pool.survey()
    await settle()
    expect(states(pool)).toBe('a unloaded, b unloaded')
    expect(pool.status('b').bytes).toBe(20)
  })
})

/** Uses of models, one after the other. */
async function both(pool: ReturnType<typeof poolOf>['pool'], ...names: string[]) {
  const uses = names.map((name) => pool.use(name))
  await settle()
  return Promise.all(uses)
}
