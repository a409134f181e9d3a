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

test('engine.ended waits while the engine lives, and resolves after close()', async () => {
  const { engine } = await opened()
  expect(await stateOf(engine.ended)).toBe('pending')
  await engine.close()
  expect(await engine.ended).toBeUndefined()
  expect(engine.failure).toBeUndefined()
})

describe('an engine that ended by itself', () => {
  test('resolves ended with an error that has the cause, and close() still resolves', async () => {
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

  test('is reported though it had no memory for words', async () => {
    const { addon, engine } = await opened()
    addon.engine.die({ code: 'ERR_OUT_OF_MEMORY', message: '' })
    expect((await engine.ended)?.message).toContain('memory ran out (ERR_OUT_OF_MEMORY)')
  })

  test('tells that error to all that wait, before ended resolves', async () => {
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
    for (const error of told) expect(error).toEqual(failure)
  })

  test('tells that error to all that come later', async () => {
    const { addon, engine } = await opened()
    addon.engine.die()
    const failure = await engine.ended
    await expect(engine.tokenize('a')).rejects.toEqual(failure)
    await expect(engine.embed('a')).rejects.toEqual(failure)
    await expect(engine.complete('a').text()).rejects.toEqual(failure)
    await expect(engine.applyTemplate([{ role: 'user', content: 'a' }])).rejects.toEqual(failure)
    const { accepted, done } = engine.complete('a')
    await expect(Promise.allSettled([accepted, done])).resolves.toMatchObject([
      { reason: failure },
      { reason: failure },
    ])
  })

  test('keeps its first cause where that comes just before close()', async () => {
    const { addon, engine } = await opened()
    addon.engine.die()
    await engine.close()
    expect((await engine.ended)?.code).toBe('ERR_ENGINE_ENDED')
  })

  test('is reported though nothing was asked of it', async () => {
    const { addon, engine } = await opened()
    expect(addon.engine.isReferenced).toBe(false)
    addon.engine.die()
    expect((await engine.ended)?.code).toBe('ERR_ENGINE_ENDED')
  })
})
