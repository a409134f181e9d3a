import { expect, test } from 'vitest'
import { ClosedError } from '../../src/engine/errors.js'
import { TextJobs } from '../../src/engine/text-jobs.js'

/** Jobs by their number, and which of them the engine was given. */
function asked(count: number, signal?: AbortSignal) {
  const jobs = new TextJobs()
  const started: number[] = []
  const results = Array.from({ length: count }, (_, id) => {
    return jobs.ask<string>(id, () => void started.push(id), signal)
  })
  return { jobs, started, results }
}

test('the engine has two at a time, and the next when it is done with one', async () => {
  const { jobs, started, results } = asked(4)
  expect(started).toEqual([0, 1])
  jobs.resolve(1, 'one')
  expect(started).toEqual([0, 1, 2])
  jobs.reject(0, new ClosedError('x'))
  expect(started).toEqual([0, 1, 2, 3])
  await expect(results[0]).rejects.toMatchObject({ code: 'ERR_CLOSED' })
  await expect(results[1]).resolves.toBe('one')
})

test('what waits is dropped when its asker leaves; what is under way keeps its turn', async () => {
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
  const late = jobs.ask(6, () => void started.push(6), leaving.signal)
  await expect(late).rejects.toMatchObject({ code: 'ERR_CANCELLED' })
  expect(started).not.toContain(6)
})

test('at the end all are told at once, and none is started', async () => {
  const { jobs, started, results } = asked(100)
  jobs.rejectAll(new ClosedError('x'))
  for (const one of results) await expect(one).rejects.toMatchObject({ code: 'ERR_CLOSED' })
  jobs.resolve(0, 'too late')
  expect(started).toEqual([0, 1])
})

test('more than 1,024 are refused', async () => {
  const { jobs, results } = asked(1025)
  await expect(results[1024]).rejects.toMatchObject({ code: 'ERR_OVERLOADED' })
  jobs.rejectAll(new ClosedError('x'))
  await Promise.allSettled(results)
})

test('one that the engine does not take is told so, and keeps no turn', async () => {
  const jobs = new TextJobs()
  const refuse = () => {
    throw new Error('no memory')
  }
  for (let id = 0; id < 3; id++) await expect(jobs.ask(id, refuse)).rejects.toThrow('no memory')
  const next = jobs.ask<string>(3, () => undefined)
  jobs.resolve(3, 'text')
  await expect(next).resolves.toBe('text')
})
