import { afterEach, expect, test } from 'vitest'
import type { RequestOptions } from '../../../src/api/types.js'
import { useBinding } from '../../../src/binding/binding.js'
import type { Engine } from '../../../src/engine/engine.js'
import { load } from '../../../src/engine/load.js'
import { hasPlace } from '../../../src/engine/queue/places.js'
import { TextJobs } from '../../../src/engine/queue/text-jobs.js'
import { FakeAddon } from '../../support/fake-binding.js'

const open: Engine[] = []
afterEach(async () => {
  await Promise.all(open.splice(0).map((engine) => engine.close()))
  useBinding(undefined)
})

async function engineOf(parallel: number, queue: number) {
  const addon = new FakeAddon({ pace: 'manual' })
  useBinding(addon)
  const engine = await load({ model: 'fake.gguf', parallel, queue })
  open.push(engine)
  return { engine, native: addon.engine }
}

/** Whether a request of an owner finds a place. */
function asks(engine: Engine, options: RequestOptions): boolean {
  const { started } = engine.stats()
  engine.complete('x', options).done.catch(() => undefined)
  return engine.stats().started > started
}

test('where an owner has filled the queue, the first request of another finds room', async () => {
  const { engine } = await engineOf(1, 8)
  const own = Array.from({ length: 10 }, () => asks(engine, { owner: 'a' }))
  expect(own).toEqual([...Array(9).fill(true), false])
  expect(asks(engine, { owner: 'b' })).toBe(true)
  // There was one such place.
  expect(asks(engine, { owner: 'b' })).toBe(false)
  expect(asks(engine, {})).toBe(false)
})

test('those who say no owner are one', async () => {
  const { engine } = await engineOf(1, 2)
  for (let i = 0; i < 3; i++) expect(asks(engine, {})).toBe(true)
  expect(asks(engine, {})).toBe(false)
  expect(asks(engine, { owner: 'b' })).toBe(true)
})

test('an owner whose request has ended, or is cancelled, has none', async () => {
  const { engine } = await engineOf(1, 2)
  const first = engine.complete('x', { owner: 'b' })
  for (let i = 0; i < 2; i++) asks(engine, { owner: 'a' })
  expect(asks(engine, { owner: 'b' })).toBe(false)
  first.cancel()
  expect(asks(engine, { owner: 'a' })).toBe(true)
  expect(asks(engine, { owner: 'b' })).toBe(true)
})

test('an engine is told the owner of each kind of request', async () => {
  const { engine, native } = await engineOf(4, 4)
  const { signal } = new AbortController()
  engine.chat([{ role: 'user', content: 'x' }], { owner: 'chat', n: 2 })
  engine.complete('x', { owner: 'complete', signal })
  engine.complete('x')
  expect(native.submitted.map(({ owner }) => owner)).toEqual(['chat', 'chat', 'complete', ''])
})

test('a place is for all up to the limit, and an eighth more for who has none', () => {
  const place = (taken: number, ofOwner: number) => {
    return hasPlace({ taken, ofOwner, max: 20, queue: 16 })
  }
  expect([place(19, 5), place(20, 5), place(20, 0), place(21, 0), place(22, 0)]).toEqual([
    true,
    false,
    true,
    true,
    false,
  ])
  expect(hasPlace({ taken: 4, ofOwner: 0, max: 4, queue: 0 })).toBe(false)
})

test('owners of texts take turns, however many one has waiting', async () => {
  const jobs = new TextJobs(60_000, () => undefined)
  const started: string[] = []
  const ask = (id: number, owner: string) => {
    const start = () => void started.push(`${owner}${id}`)
    return jobs.ask<string>(id, start, { owner })
  }
  const all = [1, 2, 3, 4, 5].map((id) => ask(id, 'a'))
  all.push(ask(6, 'b'), ask(7, 'b'), ask(8, 'c'))
  for (const id of [1, 2, 3, 6, 8, 4, 7, 5]) jobs.resolve(id, 'done')
  expect(started).toEqual(['a1', 'a2', 'a3', 'b6', 'c8', 'a4', 'b7', 'a5'])
  await Promise.all(all)
})
