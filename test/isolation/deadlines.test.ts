import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { useBinding } from '../../src/binding/binding.js'
import { settle } from '../support/eventually.js'
import { dies, type Opened, opened, restarted } from '../support/isolated/opened.js'

// `queueDeadlineMs` counts from when a request was asked for, also while there is no process that
// could measure it. The clock is the test's.

const deadlineMs = 400

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] }))
afterEach(() => {
  vi.useRealTimers()
  useBinding(undefined)
})

/** Its prompts are computed for ever. */
const endless = { script: () => ({ tokens: ['a'], prefillSteps: 1e9 }) }
const load = { queueDeadlineMs: deadlineMs }

/** What has become of a promise until now. */
function watched(promise: Promise<unknown>) {
  const seen: { end: string | undefined; message: string } = { end: undefined, message: '' }
  promise.then(
    () => {
      seen.end = 'done'
    },
    ({ code, message }) => Object.assign(seen, { end: code, message }),
  )
  return seen
}

async function passes(ms: number): Promise<void> {
  await vi.advanceTimersByTimeAsync(ms)
  await settle()
}

async function step({ addon }: Opened, turns = 3): Promise<void> {
  await settle()
  addon.engine.step(turns)
  await settle()
}

/** Its process has died, and the next one hangs as it loads. */
async function restarting(one: Opened): Promise<void> {
  one.processes.startsHung = true
  await dies(one)
  await passes(0)
  expect(one.processes.all).toHaveLength(2)
}

/** That one has died too, and the third has its model. */
async function running(one: Opened): Promise<void> {
  one.processes.startsHung = false
  await dies(one)
  await passes(1000)
  await restarted(one)
}

describe('while there is no process', () => {
  test('a request that comes has its time, and not more', async () => {
    const one = await opened({ load })
    await restarting(one)
    const reply = watched(one.engine.complete('Once').text())
    await passes(deadlineMs - 1)
    expect(reply.end).toBeUndefined()
    await passes(2)
    expect(reply).toMatchObject({ end: 'ERR_QUEUE_TIMEOUT' })
    expect(reply.message).toContain('no slot became free within 400 ms')
    expect(one.engine.stats()).toMatchObject({ failed: 1, queued: 0 })
    await one.engine.close()
  })

  test('each has its own time, and what is cancelled none', async () => {
    const one = await opened({ load })
    await restarting(one)
    const first = one.engine.complete('Once')
    first.text().catch(() => undefined)
    await passes(100)
    const second = watched(one.engine.complete('Once').text())
    first.cancel()
    await passes(deadlineMs - 100)
    expect(second.end).toBeUndefined()
    await passes(101)
    expect(second.end).toBe('ERR_QUEUE_TIMEOUT')
    expect(one.engine.stats()).toMatchObject({ failed: 1, cancelled: 1 })
    await one.engine.close()
  })

  test('one that waited before has the rest; one that had a slot has no deadline', async () => {
    const one = await opened({ load, fake: endless })
    const [a, b, waiting] = [0, 1, 2].map(() => watched(one.engine.complete('Once').text()))
    await step(one)
    expect(one.engine.stats()).toMatchObject({ running: 2, queued: 1 })
    await passes(deadlineMs - 100)
    await restarting(one)
    await passes(99)
    expect(waiting?.end).toBeUndefined()
    await passes(2)
    expect(waiting?.end).toBe('ERR_QUEUE_TIMEOUT')
    await passes(100 * deadlineMs)
    expect([a?.end, b?.end]).toEqual([undefined, undefined])
    await one.engine.close()
  })

  test('what is to be embedded has its time too', async () => {
    const one = await opened({ load, fake: { embedding: { size: 4, pooling: 'mean' } } })
    await restarting(one)
    const vector = watched(one.engine.embed('Once'))
    await passes(deadlineMs + 1)
    expect(vector).toMatchObject({ end: 'ERR_QUEUE_TIMEOUT' })
    expect(vector.message).toContain('its turn did not come within 400 ms')
    await one.engine.close()
  })

  test('close() ends them as closed', async () => {
    const one = await opened({ load })
    await restarting(one)
    const reply = watched(one.engine.complete('Once').text())
    await one.engine.close()
    await passes(deadlineMs + 1)
    expect(reply.end).toBe('ERR_CLOSED')
  })
})

describe('once there is one again', () => {
  const slow = { queueDeadlineMs: 5000 }

  test('a request that it has prepared is its to measure', async () => {
    const one = await opened({ load: slow, fake: endless })
    await restarting(one)
    const reply = watched(one.engine.complete('Once').text())
    await running(one)
    await step(one)
    await passes(100_000)
    expect(reply.end).toBeUndefined()
    await one.engine.close()
  })

  test('a request that it has not prepared fails in time, and is cancelled there', async () => {
    const one = await opened({ load: slow })
    await restarting(one)
    const reply = watched(one.engine.complete('Once').text())
    await running(one)
    expect(one.addon.engine.submitted).toHaveLength(1)
    await passes(5000)
    expect(reply.end).toBe('ERR_QUEUE_TIMEOUT')
    expect(one.addon.engine.cancelled).toEqual([1])
    await step(one)
    expect(one.engine.stats()).toMatchObject({ failed: 1, cancelled: 0, finished: 0 })
    await one.engine.close()
  })
})
