import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { ClosedError } from '../../../src/api/errors.js'
import { TextJobs } from '../../../src/engine/queue/text-jobs.js'

/** Jobs by their number, and which of them the engine was given. */
function asked(count: number, signal?: AbortSignal) {
  const jobs = new TextJobs(60_000, () => undefined)
  const started: number[] = []
  const results = Array.from({ length: count }, (_, id) => {
    return jobs.ask<string>(id, () => void started.push(id), { signal })
  })
  return { jobs, started, results }
}

test('the engine has two jobs at a time, and the next when it is done with one', async () => {
  const { jobs, started, results } = asked(4)
  expect(started).toEqual([0, 1])
  jobs.resolve(1, 'one')
  expect(started).toEqual([0, 1, 2])
  jobs.reject(0, new ClosedError('x'))
  expect(started).toEqual([0, 1, 2, 3])
  await expect(results[0]).rejects.toMatchObject({ code: 'ERR_CLOSED' })
  await expect(results[1]).resolves.toBe('one')
})

test('a waiting job is dropped when its asker leaves; one under way keeps its turn', async () => {
  const leaving = new AbortController()
  const { jobs, started, results } = asked(5, leaving.signal)
  const staying = jobs.ask<string>(5, () => void started.push(5))
  leaving.abort()
  for (const one of results) await expect(one).rejects.toMatchObject({ code: 'ERR_CANCELLED' })
  expect(started).toEqual([0, 1])
  jobs.resolve(0, 'nobody hears it')
  expect(started).toEqual([0, 1, 5])
  jobs.resolve(5, 'five')
  await expect(staying).resolves.toBe('five')
  const late = jobs.ask(6, () => void started.push(6), leaving)
  await expect(late).rejects.toMatchObject({ code: 'ERR_CANCELLED' })
  expect(started).not.toContain(6)
})

test("all jobs are told of the engine's end at once, and none is started", async () => {
  const { jobs, started, results } = asked(100)
  jobs.rejectAll(() => new ClosedError('x'))
  for (const one of results) await expect(one).rejects.toMatchObject({ code: 'ERR_CLOSED' })
  jobs.resolve(0, 'too late')
  expect(started).toEqual([0, 1])
})

test('more than 1,024 jobs are refused', async () => {
  const { jobs, results } = asked(1025)
  await expect(results[1024]).rejects.toMatchObject({ code: 'ERR_OVERLOADED' })
  jobs.rejectAll(() => new ClosedError('x'))
  await Promise.allSettled(results)
})

test('a job that the engine does not take is told so, and keeps no turn', async () => {
  const jobs = new TextJobs(60_000, () => undefined)
  const refuse = () => {
    throw new Error('no memory')
  }
  for (let id = 0; id < 3; id++) await expect(jobs.ask(id, refuse)).rejects.toThrow('no memory')
  const next = jobs.ask<string>(3, () => undefined)
  jobs.resolve(3, 'text')
  await expect(next).resolves.toBe('text')
})

test('a job that is deferred makes room for another, and is answered all the same', async () => {
  const { jobs, started, results } = asked(4)
  jobs.defer(0)
  expect(started).toEqual([0, 1, 2])
  jobs.defer(0)
  jobs.defer(99)
  expect(started).toEqual([0, 1, 2])
  jobs.resolve(0, 'zero')
  await expect(results[0]).resolves.toBe('zero')
  expect(started).toEqual([0, 1, 2])
  jobs.resolve(1, 'one')
  expect(started).toEqual([0, 1, 2, 3])
  jobs.rejectAll(() => new ClosedError('x'))
  await Promise.allSettled(results)
})

describe('the deadline of a job', () => {
  beforeEach(() => void vi.useFakeTimers())
  afterEach(() => void vi.useRealTimers())

  test('holds wherever the job is, and the engine hears which it need not do', async () => {
    const cancelled: number[] = []
    const jobs = new TextJobs(100, (id) => cancelled.push(id))
    const results = [0, 1, 2, 3].map((id) => jobs.ask<string>(id, () => undefined))
    const settled = Promise.allSettled(results)
    jobs.defer(0) // 0 is deferred, 1 and 2 are with the engine, 3 waits here
    await vi.advanceTimersByTimeAsync(99)
    jobs.resolve(1, 'in time')
    await vi.advanceTimersByTimeAsync(1)
    const late = { status: 'rejected', reason: { code: 'ERR_QUEUE_TIMEOUT' } }
    expect(await settled).toMatchObject([late, { value: 'in time' }, late, late])
    expect(cancelled).toEqual([0, 2, 3])
    expect(vi.getTimerCount()).toBe(0)
    for (const id of cancelled) jobs.reject(id, new ClosedError('x')) // it has dropped them
    const next = jobs.ask<string>(4, () => undefined)
    jobs.resolve(4, 'four')
    await expect(next).resolves.toBe('four')
  })

  test('does not matter to a job whose asker leaves: the engine gives it up as well', async () => {
    const leaving = new AbortController()
    const cancelled: number[] = []
    const jobs = new TextJobs(100, (id) => cancelled.push(id))
    const result = jobs.ask<string>(0, () => undefined, leaving)
    leaving.abort()
    await expect(result).rejects.toMatchObject({ code: 'ERR_CANCELLED' })
    expect(cancelled).toEqual([0])
    expect(vi.getTimerCount()).toBe(0)
  })
})
