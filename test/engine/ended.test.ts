import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { useBinding } from '../../src/binding/binding.js'
import type { Engine } from '../../src/engine/engine.js'
import { load } from '../../src/engine/load.js'
import { EngineEndedError, OutOfMemoryError } from '../../src/index.js'
import { settle } from '../support/eventually.js'
import { FakeAddon, type FakeOptions } from '../support/fake-binding.js'

// engine.ended: when it resolves, and with what.

const unhandled = vi.fn()
beforeEach(() => void process.on('unhandledRejection', unhandled))
afterEach(() => {
  useBinding(undefined)
  process.off('unhandledRejection', unhandled)
  expect(unhandled).not.toHaveBeenCalled()
})

async function opened(options: FakeOptions = {}): Promise<{ addon: FakeAddon; engine: Engine }> {
  const addon = new FakeAddon({ pace: 'manual', ...options })
  useBinding(addon)
  return { addon, engine: await load({ model: 'a.gguf' }) }
}

/** What a promise has come to so far. */
async function stateOf(promise: Promise<unknown>): Promise<unknown> {
  await settle()
  return Promise.race([promise, 'pending'])
}

test('it waits while the engine lives, and resolves with undefined after close()', async () => {
  const { engine } = await opened()
  expect(await stateOf(engine.ended)).toBe('pending')
  await engine.close()
  expect(await engine.ended).toBeUndefined()
  expect(engine.failure).toBeUndefined()
})

describe('after an end by itself', () => {
  test('it resolves with an error that has the cause, and close() still resolves', async () => {
    const { addon, engine } = await opened()
    addon.engine.die()
    const failure = await engine.ended
    expect(failure).toBeInstanceOf(EngineEndedError)
    expect(failure).toMatchObject({ code: 'ERR_ENGINE_ENDED' })
    expect(failure?.message).toBe('the engine ended by itself: memory ran out (ERR_OUT_OF_MEMORY)')
    expect(failure?.cause).toBeInstanceOf(OutOfMemoryError)
    expect(engine.failure).toBe(failure)
    expect(engine.closed).toBe(true)
    await engine.close()
    await engine.close()
  })

  test('an engine that had no memory for words is told of all the same', async () => {
    const { addon, engine } = await opened()
    addon.engine.die({ code: 'ERR_OUT_OF_MEMORY', message: '' })
    expect((await engine.ended)?.message).toContain('memory ran out (ERR_OUT_OF_MEMORY)')
  })

  test('whoever waits is told that error, before it resolves', async () => {
    const { addon, engine } = await opened({ embedding: { size: 4, pooling: 'mean' } })
    const told: unknown[] = []
    const note = (error: unknown) => void told.push(error)
    const reply = engine.chat([{ role: 'user', content: 'a' }])
    const waiting = [reply.accepted, reply.done, reply.text(), engine.embed('a')]
    for (const promise of waiting) promise.catch(note)
    addon.engine.isFrozen = true
    const text = engine.tokenize('a').then(() => 'told before', note)
    addon.engine.die()
    const failure = await engine.ended
    await Promise.all([text, settle()])
    expect(told.length).toBeGreaterThanOrEqual(4)
    for (const error of told) expect(error).toBe(failure)
  })

  test('and so is whoever comes later', async () => {
    const { addon, engine } = await opened()
    addon.engine.die()
    const failure = await engine.ended
    await expect(engine.tokenize('a')).rejects.toBe(failure)
    await expect(engine.embed('a')).rejects.toBe(failure)
    await expect(engine.complete('a').text()).rejects.toBe(failure)
    await expect(engine.applyTemplate([{ role: 'user', content: 'a' }])).rejects.toBe(failure)
    const { accepted, done } = engine.complete('a')
    await expect(Promise.allSettled([accepted, done])).resolves.toMatchObject([
      { reason: failure },
      { reason: failure },
    ])
  })

  test('the first cause counts where it comes just before close()', async () => {
    const { addon, engine } = await opened()
    addon.engine.die()
    await engine.close()
    expect((await engine.ended)?.code).toBe('ERR_ENGINE_ENDED')
  })

  test('an engine that nobody asks anything of is still told of', async () => {
    const { addon, engine } = await opened()
    expect(addon.engine.isReferenced).toBe(false)
    addon.engine.die()
    expect((await engine.ended)?.code).toBe('ERR_ENGINE_ENDED')
  })
})
