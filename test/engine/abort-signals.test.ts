import { getEventListeners } from 'node:events'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { useBinding } from '../../src/binding/binding.js'
import { onAbort } from '../../src/engine/abort-signals.js'
import { type Engine, estimate, load } from '../../src/index.js'
import { settle } from '../support/eventually.js'
import { FakeAddon } from '../support/fake-binding.js'

const ask = [{ role: 'user' as const, content: 'x' }]
const many = 2000

let leaks: Error[] = []
const listener = (warning: Error) => {
  if (warning.name === 'MaxListenersExceededWarning') leaks.push(warning)
}

beforeEach(() => {
  leaks = []
  process.on('warning', listener)
})
afterEach(async () => {
  await settle()
  process.off('warning', listener)
  useBinding(undefined)
  expect(leaks).toEqual([])
})

const listeners = (signal: AbortSignal) => getEventListeners(signal, 'abort').length

async function opened(addon: FakeAddon, options: object = {}): Promise<Engine> {
  useBinding(addon)
  return load({ model: 'a.gguf', ...options })
}

describe('one signal of thousands', () => {
  test('of replies has one listener while they run, and none afterwards', async () => {
    const engine = await opened(new FakeAddon(), { queue: many })
    const { signal } = new AbortController()
    const replies = Array.from({ length: many }, () => engine.chat(ask, { signal }))
    expect(listeners(signal)).toBe(1)
    await Promise.all(replies.map((reply) => reply.done))
    expect(listeners(signal)).toBe(0)
    await engine.close()
  })

  test('aborts all replies with its reason, and keeps no listener', async () => {
    const engine = await opened(new FakeAddon({ pace: 'manual' }), { queue: many })
    const controller = new AbortController()
    const { signal } = controller
    const replies = Array.from({ length: many }, () => engine.chat(ask, { signal }))
    replies[0]?.cancel()
    controller.abort('enough')
    expect(listeners(signal)).toBe(0)
    const errors = await Promise.all(replies.slice(1).map((reply) => reply.done.catch((e) => e)))
    for (const error of errors) {
      expect(error).toMatchObject({ code: 'ERR_CANCELLED', cause: 'enough' })
    }
    await engine.close()
  })

  test('of texts, counts and pieces has none afterwards', async () => {
    const engine = await opened(new FakeAddon())
    const { signal } = new AbortController()
    const jobs = Array.from({ length: 100 }, () => [
      engine.tokenize('x', { signal }),
      engine.detokenize([1], { signal }),
      engine.pieces([1], { signal }),
      engine.applyTemplate(ask, {}, { signal }),
      engine.countTokens(ask, {}, { signal }),
    ])
    await settle()
    await Promise.all(jobs.flat())
    expect(listeners(signal)).toBe(0)
    await engine.close()
  })

  test('of embeddings has none afterwards', async () => {
    const engine = await opened(new FakeAddon({ embedding: {} as never }), { queue: many })
    const { signal } = new AbortController()
    await Promise.all(Array.from({ length: 500 }, () => engine.embed('x', { signal })))
    expect(listeners(signal)).toBe(0)
    await engine.close()
  })

  test('of loads and estimates has none afterwards', async () => {
    useBinding(new FakeAddon())
    const { signal } = new AbortController()
    const engines = Array.from({ length: 20 }, () => load({ model: 'a.gguf', signal }))
    await Promise.all(Array.from({ length: 20 }, () => estimate('a.gguf', { signal })))
    for (const engine of await Promise.all(engines)) await engine.close()
    expect(listeners(signal)).toBe(0)
  })
})

describe('a reply that ends early leaves no listener', () => {
  test('where it fails, is refused, or its engine is closed', async () => {
    const failure = { code: 'ERR_INVALID_REQUEST' as const, message: 'no' }
    const engine = await opened(new FakeAddon({ script: () => ({ tokens: [], refuse: failure }) }))
    const { signal } = new AbortController()
    await expect(engine.chat(ask, { signal }).done).rejects.toMatchObject(failure)
    expect(listeners(signal)).toBe(0)
    await engine.close()
    await expect(engine.chat(ask, { signal }).done).rejects.toMatchObject({ code: 'ERR_CLOSED' })
    await expect(engine.tokenize('x', { signal })).rejects.toMatchObject({ code: 'ERR_CLOSED' })
    expect(listeners(signal)).toBe(0)
    const full = await opened(new FakeAddon({ pace: 'manual' }), { parallel: 1, queue: 0 })
    full.chat(ask, { signal })
    await expect(full.chat(ask, { signal }).done).rejects.toMatchObject({ code: 'ERR_OVERLOADED' })
    await full.close()
    expect(listeners(signal)).toBe(0)
  })
})

test.each(['stop it', undefined, new Error('own'), null])(
  'a signal that is aborted already, with %s, ends each call at once and gets no listener',
  async (reason) => {
    const engine = await opened(new FakeAddon())
    const signal = AbortSignal.abort(reason)
    const calls = [
      () => engine.chat(ask, { signal }).done,
      () => engine.complete('x', { signal }).accepted,
      () => engine.tokenize('x', { signal }),
      () => engine.countTokens(ask, {}, { signal }),
      () => engine.embed('x', { signal }),
      () => load({ model: 'a.gguf', signal }),
      () => estimate('a.gguf', { signal }),
    ]
    for (const call of calls) {
      await expect(call()).rejects.toMatchObject({ code: 'ERR_CANCELLED', cause: signal.reason })
    }
    expect(listeners(signal)).toBe(0)
    await engine.close()
  },
)

test('a listener that is taken back is not called, not even in the midst of the others', () => {
  const controller = new AbortController()
  const called: string[] = []
  const leave: (() => void)[] = []
  onAbort(controller.signal, () => {
    called.push('first')
    leave[1]?.()
  })
  leave.push(onAbort(controller.signal, () => called.push('second')))
  leave.push(onAbort(controller.signal, () => called.push('third')))
  leave[0]?.()
  controller.abort()
  expect(called).toEqual(['first'])
  expect(listeners(controller.signal)).toBe(0)
})
