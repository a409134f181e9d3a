import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Engine, load } from '../../../src/index.js'
import { eventually } from '../../support/eventually.js'
import { canHold, holdableInEach, holdNextCall } from '../../support/held-engine.js'
import { largeRandomModel, randomModel } from '../../support/models/random-model.js'
import { ownMemory } from '../../support/reliability/own-memory.js'

const ask = [{ role: 'user' as const, content: 'Tell me a story' }]
const endless = { ignoreEos: true, maxTokens: 10_000 }
const mebibyte = 2 ** 20

/** Time is counted in steps here: a cancelled request may cost one more. */
describe('cancellation', () => {
  let engine: Engine
  beforeAll(async () => {
    engine = await load({ model: largeRandomModel(), parallel: 2, context: 8192 })
  })
  afterAll(() => engine.close())

  test('in mid-decode costs at most one more step, and frees the slot', async () => {
    const reply = engine.chat(ask, endless)
    const parts = reply[Symbol.asyncIterator]()
    await parts.next()
    reply.cancel()
    const before = engine.stats().steps // behind it: who reads them may be put aside for some
    const { finishReason } = await reply.done
    expect(finishReason).toBe('cancelled')
    // One that was under way, and one that had begun before it was heard.
    expect(engine.stats().steps - before).toBeLessThanOrEqual(2)
    expect(engine.stats()).toMatchObject({ running: 0, parked: 0, queued: 0, cellsUsed: 0 })
  })

  test('before the request was accepted keeps it from ever starting', async () => {
    const steps = engine.stats().steps
    // The Preparer takes one after the other of those that are as short as this.
    const ahead = Promise.all(
      Array.from({ length: 8 }, () => engine.tokenize('word '.repeat(6000))),
    )
    const reply = engine.complete('word '.repeat(1500), endless)
    reply.cancel()
    expect((await reply.done).finishReason).toBe('cancelled')
    await expect(reply.accepted).rejects.toMatchObject({ code: 'ERR_CANCELLED' })
    await ahead
    expect(engine.stats().steps).toBe(steps)
  })

  test('of a prompt that turns out too long is still counted as a cancellation', async () => {
    const reply = engine.complete('word '.repeat(3000), endless)
    reply.cancel()
    expect((await reply.done).finishReason).toBe('cancelled')
  })

  test('by a signal rejects the loop and done, with the signal’s reason as cause', async () => {
    const controller = new AbortController()
    const reply = engine.chat(ask, { ...endless, signal: controller.signal })
    const reading = (async () => {
      for await (const _ of reply) controller.abort('enough')
    })()
    await expect(reading).rejects.toMatchObject({ code: 'ERR_CANCELLED', cause: 'enough' })
    await expect(reply.done).rejects.toMatchObject({ code: 'ERR_CANCELLED' })
    await eventually(() => engine.stats().running === 0)
  })

  test('of one reply does not disturb its neighbour', async () => {
    const neighbour = engine.chat(ask, { temperature: 0, maxTokens: 60, ignoreEos: true })
    const text = neighbour.text()
    for (let round = 0; round < 5; round++) {
      const reply = engine.chat(ask, endless)
      for await (const _ of reply) break
    }
    const alone = engine.chat(ask, { temperature: 0, maxTokens: 60, ignoreEos: true })
    expect((await text).length).toBeGreaterThan(0)
    expect((await neighbour.done).usage).toEqual((await alone.done).usage)
  })
})

describe.runIf(canHold)('cancellation while a batch is computed', () => {
  holdableInEach()

  test('abandons it where it is the prompt’s, and no other begins', async () => {
    const engine = await load({ model: largeRandomModel(), parallel: 2, context: 8192 })
    const held = holdNextCall()
    const reply = engine.complete('word '.repeat(2400), endless)
    await held.begun
    reply.cancel()
    const { steps, rowsPrefilled } = engine.stats()
    held.release()
    expect((await reply.done).usage).toMatchObject({ completionTokens: 0 })
    expect(engine.stats().steps - steps).toBeLessThanOrEqual(1)
    expect(engine.stats().rowsPrefilled - rowsPrefilled).toBeLessThan(7000)
    expect(engine.stats()).toMatchObject({ running: 0, cellsUsed: 0 })
    await engine.close()
  })

  test('in the queue keeps the request from ever starting', async () => {
    const engine = await load({ model: largeRandomModel(), parallel: 2, context: 8192 })
    const held = holdNextCall()
    const running = [engine.chat(ask, endless), engine.chat(ask, endless)]
    await Promise.all(running.map((reply) => reply.accepted))
    await held.begun
    const waiting = engine.complete('word '.repeat(1000), endless)
    await waiting.accepted
    waiting.cancel()
    held.release()
    await waiting.done
    for (const reply of running) reply.cancel()
    await Promise.all(running.map((reply) => reply.done))
    expect(engine.stats().rowsPrefilled).toBeLessThan(100)
    expect(engine.stats()).toMatchObject({ cancelledQueued: 1, cancelled: 3 })
    await engine.close()
  })

  test('is counted by how far the request had come', async () => {
    const engine = await load({ model: largeRandomModel(), parallel: 2, context: 8192 })
    const parked = engine.chat(ask, endless)
    await eventually(() => engine.stats().parked === 1)
    const running = engine.chat(ask, endless)
    for await (const _ of running) break // leaving cancels
    await running.done
    const held = holdNextCall()
    const prefilling = engine.complete('word '.repeat(2400), endless)
    await held.begun
    const waiting = engine.complete('other '.repeat(1000), endless)
    await waiting.accepted
    for (const reply of [waiting, prefilling, parked]) reply.cancel()
    held.release()
    await Promise.all([waiting.done, prefilling.done, parked.done])
    const counts = { cancelledQueued: 1, cancelledPrefill: 1, cancelledDecode: 1 }
    expect(engine.stats()).toMatchObject({ ...counts, cancelledParked: 1, cancelled: 4 })
    await engine.close()
  })
})

describe('a thousand random cancellations, again', () => {
  test('leave no gauge above zero, no request uncounted and no memory behind', async () => {
    // What prompts left in the cache is memory put to use, and in the first round already full.
    const engine = await load({ model: randomModel(), parallel: 4, queue: 64, cacheMiB: 4 })
    await cancelThousand(engine, 1)
    const before = ownMemory()
    await cancelThousand(engine, 2)
    const after = ownMemory()
    expect(after.javaScript - before.javaScript).toBeLessThan(2 * mebibyte)
    expect(after.native - before.native).toBeLessThan(8 * mebibyte)
    await engine.close()
  }, 240_000)
})

async function cancelThousand(engine: Engine, seed: number): Promise<void> {
  let state = seed
  const random = () => {
    state = (state * 48271) % 2147483647
    return state / 2147483647
  }
  const one = async () => {
    const reply = engine.complete('word '.repeat(1 + Math.floor(random() * 100)), {
      ignoreEos: true,
      maxTokens: 1 + Math.floor(random() * 300),
    })
    const how = random()
    if (how < 0.3) await new Promise((resolve) => setTimeout(resolve, random() * 20))
    let parts = Math.floor(random() * 20)
    if (how < 0.8) for await (const _ of reply) if (parts-- <= 0) break
    reply.cancel()
    await reply.done
  }
  for (let round = 0; round < 25; round++) await Promise.all(Array.from({ length: 40 }, one))
  const { started, finished, cancelled, failed, ...gauges } = engine.stats()
  expect(started).toBe(finished + cancelled + failed)
  expect(gauges).toMatchObject({ queued: 0, running: 0, parked: 0, cellsUsed: 0 })
}
