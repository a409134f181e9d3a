import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Engine, load } from '../../src/index.js'
import { runChild } from '../lifecycle/child.js'
import { randomModel } from '../support/models/random-model.js'
import { type OwnMemory, ownMemory } from '../support/reliability/own-memory.js'

const ask = [{ role: 'user' as const, content: 'Tell me a story' }]
const mebibyte = 2 ** 20

describe('again and again', () => {
  let engine: Engine
  beforeAll(async () => {
    engine = await load({ model: randomModel(), parallel: 8, queue: 256 })
  })
  afterAll(() => engine.close())

  test('10,000 replies are cancelled as they finish, and every one is counted once', async () => {
    const before = engine.stats()
    const one = async (i: number) => {
      const reply = engine.chat(ask, { ignoreEos: true, maxTokens: 1 + (i % 5) })
      let parts = i % 4
      for await (const _ of reply) if (parts-- === 0) break
      return (await reply.done).finishReason
    }
    const reasons = new Map<string, number>()
    for (let round = 0; round < 100; round++) {
      const batch = await Promise.all(Array.from({ length: 100 }, (_, i) => one(round * 100 + i)))
      for (const reason of batch) reasons.set(reason, (reasons.get(reason) ?? 0) + 1)
    }
    const after = engine.stats()
    expect(after.started - before.started).toBe(10_000)
    expect(after.cancelled - before.cancelled).toBe(reasons.get('cancelled'))
    expect(after.finished - before.finished).toBe(reasons.get('length'))
    expect(after).toMatchObject({ queued: 0, running: 0, parked: 0, cellsUsed: 0 })
  })

  // What is kept of prompts and replies is memory put to use: none of it, or all of its bound.
  test.each([0, 16])(
    'a million tokens leave no memory behind, with %i MiB for what is kept',
    async (cacheMiB) => {
      const engine = await load({ model: randomModel(), parallel: 8, cacheMiB })
      const read = () =>
        Promise.all(
          Array.from({ length: 8 }, () =>
            engine.chat(ask, { ignoreEos: true, maxTokens: 1000 }).text(),
          ),
        )
      for (let round = 0; round < 20; round++) await read()
      expect(engine.stats().cacheBytes).toBeGreaterThanOrEqual(0.8 * cacheMiB * mebibyte)
      const before = ownMemory()
      for (let round = 0; round < 125; round++) await read()
      expectAsMuch(before, 8)
      expect(engine.stats().cacheBytes).toBeLessThanOrEqual(cacheMiB * mebibyte)
      await engine.close()
    },
  )

  test('an engine is loaded and closed 300 times, and no memory is left behind', async () => {
    const cycle = async () => {
      const one = await load({ model: randomModel(), context: 1024 })
      await one.chat(ask, { maxTokens: 3 }).text()
      await one.close()
    }
    for (let round = 0; round < 50; round++) await cycle()
    const before = ownMemory()
    for (let round = 0; round < 300; round++) await cycle()
    expectAsMuch(before, 16)
  })
})

function expectAsMuch(before: OwnMemory, nativeMiB: number): void {
  const after = ownMemory()
  expect(after.javaScript - before.javaScript).toBeLessThan(4 * mebibyte)
  expect(after.native - before.native).toBeLessThan(nativeMiB * mebibyte)
}

describe('an end that would go wrong only sometimes is right each time', () => {
  test.each([
    ['exits/in-decode', 500, { code: 7, signal: null }],
    ['exits/in-prefill', 100, { code: 7, signal: null }],
    ['exits/in-load', 100, { code: 7, signal: null }],
    ['closes-in-decode', 100, { code: 0, signal: null }],
    ['workers/terminated', 63, { code: 0, signal: null }], // of 8 workers each
  ])('where a process does so: %s, %i times', async (name, times, expected) => {
    for (let i = 0; i < times; i++) expect(await runChild(name)).toMatchObject(expected)
  })

  test('where 500 workers are terminated, at every stage of their life', async () => {
    const met = new Set<string>()
    for (let i = 0; i < 5; i++) {
      const { messages, ...exit } = await runChild('workers/come-and-go')
      expect(exit).toEqual({ code: 0, signal: null, stdout: '', stderr: '' })
      const [{ stages }] = messages as [{ stages: Record<string, number> }]
      for (const stage of Object.keys(stages)) met.add(stage)
    }
    expect([...met].sort()).toEqual(['done', 'loading', 'starting', 'writing'])
  })
})
