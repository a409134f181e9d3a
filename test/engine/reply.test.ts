import { afterEach, describe, expect, test } from 'vitest'
import { useBinding } from '../../src/binding/binding.js'
import type { NativeRequest } from '../../src/binding/engine-port.js'
import { type Engine, load, type Reply } from '../../src/index.js'
import { settle } from '../support/eventually.js'
import {
  FakeAddon,
  type FakeEngine,
  type FakeOptions,
  type Script,
} from '../support/fake-binding.js'
import { tokenBytes } from '../support/fake-engine.js'

const ask = [{ role: 'user' as const, content: 'Tell me a story' }]

function* counting(): Generator<string> {
  for (let i = 0; ; i++) yield `${i} `
}

describe('a reply', () => {
  let engine: Engine | undefined
  const open = async (script: (request: NativeRequest) => Script, options: FakeOptions = {}) => {
    const addon = new FakeAddon({ script, ...options })
    useBinding(addon)
    engine = await load({ model: 'fake.gguf', window: 8 })
    return { addon, engine }
  }
  afterEach(async () => {
    await engine?.close()
    engine = undefined
    useBinding(undefined)
  })

  test('is read with for await, part by part, and then is done', async () => {
    const { engine } = await open(() => ({ tokens: ['Once', ' upon', ' a', ' time.'] }))
    const reply = engine.chat(ask)
    let text = ''
    let tokens = 0
    for await (const part of reply) {
      text += part.text
      tokens += part.tokens
    }
    expect({ text, tokens }).toEqual({ text: 'Once upon a time.', tokens: 4 })
    expect(await reply.done).toMatchObject({
      finishReason: 'stop',
      usage: { promptTokens: 4, completionTokens: 4 },
      seed: reply.seed,
    })
  })

  test('tells what of its prompt was there already, and how long it was parked', async () => {
    const tokens = ['a']
    const { engine, addon } = await open(() => ({ tokens, cachedTokens: 3, parkedMs: 5 }))
    const { usage, timings } = await engine.chat(ask, { cacheSalt: 'mine' }).done
    expect(usage).toEqual({ promptTokens: 4, cachedTokens: 3, completionTokens: 1 })
    expect(timings).toMatchObject({ queueMs: 0, prefillMs: 0, decodeMs: 5, parkedMs: 5 })
    expect(engine.stats()).toMatchObject({ promptTokens: 4, cachedTokens: 3 })
    await engine.chat(ask).done
    expect(addon.engine.submitted.map(({ cacheSalt }) => cacheSalt)).toEqual(['mine', ''])
  })

  test('tells what was drafted for it, and what of that was accepted', async () => {
    const drafts = { draftTokens: 9, draftAcceptedTokens: 7 }
    const { engine } = await open(() => ({ tokens: ['a'], ...drafts }))
    expect((await engine.chat(ask).done).timings).toMatchObject(drafts)
  })

  test('is read with text(), and with done alone', async () => {
    const { engine } = await open(() => ({ tokens: counting(), end: 'length' }))
    expect(await engine.chat(ask, { maxTokens: 30 }).text()).toMatch(/^0 1 .* 29 $/)
    const { usage } = await engine.chat(ask, { maxTokens: 30 }).done
    expect(usage.completionTokens).toBe(30)
  })

  test('without a reader goes no further than its window', async () => {
    const { addon, engine } = await open(() => ({ tokens: counting() }))
    const reply = engine.chat(ask)
    await settle(50)
    expect(addon.engine.produced.get(1)).toBe(8)
    const iterator = reply[Symbol.asyncIterator]()
    expect((await iterator.next()).value?.tokens).toBe(8)
    await settle(50)
    expect(addon.engine.produced.get(1)).toBe(16)
    await iterator.return?.()
  })

  test('is credited by the half window, not by the token', async () => {
    const { addon, engine } = await open(() => ({ tokens: counting(), end: 'length' }))
    const parts: number[] = []
    for await (const { tokens } of engine.chat(ask, { maxTokens: 24 })) parts.push(tokens)
    expect(parts).toEqual(Array.from({ length: 24 }, () => 1))
    await settle()
    const credits = addon.engine.credited.map(({ tokens }) => tokens)
    expect(new Set(credits)).toEqual(new Set([4]))
    // Nobody is credited once the end has come, which may come with the last tokens.
    expect([5, 6]).toContain(credits.length)
  })

  test('of a reader that stops after a little does not keep the process alive', async () => {
    const { addon, engine } = await open(() => ({ tokens: counting() }))
    const reply = engine.chat(ask)
    const iterator = reply[Symbol.asyncIterator]()
    let taken = 0
    while (taken < 3) taken += (await iterator.next()).value?.tokens ?? 0
    await settle(50)
    expect(addon.engine.produced.get(1)).toBe(8)
    expect(addon.engine.isReferenced).toBe(false)
    await iterator.next()
    expect(addon.engine.isReferenced).toBe(true)
    await iterator.return?.()
  })

  test('merges what piles up while the reader is away', async () => {
    const { engine } = await open(() => ({ tokens: counting(), end: 'length' }))
    const parts: number[] = []
    for await (const part of engine.chat(ask, { maxTokens: 24 })) {
      parts.push(part.tokens)
      await settle(50)
    }
    expect(parts.length).toBeLessThan(8)
    expect(parts.reduce((sum, tokens) => sum + tokens)).toBe(24)
  })

  test('that was drained by done can still be iterated, from its beginning', async () => {
    const { engine } = await open(() => ({ tokens: counting(), end: 'length' }))
    const reply = engine.chat(ask, { maxTokens: 20 })
    await reply.done
    let text = ''
    for await (const part of reply) text += part.text
    expect(text.trim().split(' ')).toHaveLength(20)
  })

  test('ends with cancelled when its loop is left', async () => {
    const { addon, engine } = await open(() => ({ tokens: counting() }))
    const reply = engine.chat(ask)
    for await (const _ of reply) break
    expect((await reply.done).finishReason).toBe('cancelled')
    expect(addon.engine.cancelled).toEqual([1])
  })

  test('that is cancelled is not credited any more, which would wake it', async () => {
    const { addon, engine } = await open(() => ({ tokens: counting() }))
    const reply = engine.chat(ask)
    await settle(50)
    reply.cancel()
    await reply.done
    expect(addon.engine.credited).toEqual([])
  })

  test('ends its loop when cancel() is called elsewhere', async () => {
    const { engine } = await open(() => ({ tokens: counting() }))
    const reply = engine.chat(ask)
    let parts = 0
    for await (const _ of reply) if (++parts === 3) reply.cancel()
    expect(parts).toBe(3)
    expect((await reply.done).finishReason).toBe('cancelled')
    reply.cancel()
  })

  test('is cancelled, not aborted, when its loop is left before its signal fires', async () => {
    const { engine } = await open(() => ({ tokens: counting() }))
    const controller = new AbortController()
    const reply = engine.chat(ask, { signal: controller.signal })
    for await (const _ of reply) break
    controller.abort()
    expect((await reply.done).finishReason).toBe('cancelled')
  })

  test('is cancelled when its loop is left, though the engine had just finished', async () => {
    const { addon, engine } = await open(() => ({ tokens: ['a', 'b'] }), { pace: 'manual' })
    const reply = engine.chat(ask)
    await settle()
    addon.engine.step(6)
    reply.cancel()
    expect((await reply.done).finishReason).toBe('cancelled')
    expect(engine.stats()).toMatchObject({ started: 1, finished: 0, cancelled: 1 })
  })

  test('is cancelled when its reader throws', async () => {
    const { engine } = await open(() => ({ tokens: counting() }))
    const reply = engine.chat(ask)
    const reading = (async () => {
      for await (const _ of reply) throw new Error('the reader’s own')
    })()
    await expect(reading).rejects.toThrow('the reader’s own')
    expect((await reply.done).finishReason).toBe('cancelled')
  })

  test('rejects loop and done when its signal fires, and cancels', async () => {
    const { addon, engine } = await open(() => ({ tokens: counting(), prefillSteps: 1000 }))
    const controller = new AbortController()
    const reply = engine.chat(ask, { signal: controller.signal })
    const next = reply[Symbol.asyncIterator]().next()
    controller.abort('why')
    await expect(next).rejects.toMatchObject({ code: 'ERR_CANCELLED', cause: 'why' })
    await expect(reply.done).rejects.toMatchObject({ code: 'ERR_CANCELLED' })
    await settle()
    expect(addon.engine.cancelled).toEqual([1])
  })

  test('with a signal that has fired already never reaches the engine', async () => {
    const { addon, engine } = await open(() => ({ tokens: counting() }))
    const reply = engine.chat(ask, { signal: AbortSignal.abort() })
    await expect(reply.accepted).rejects.toMatchObject({ code: 'ERR_CANCELLED' })
    expect(addon.engine.submitted).toHaveLength(0)
  })

  test('that is refused rejects everywhere, and need not be listened to', async () => {
    const failure = { code: 'ERR_CONTEXT_LENGTH', message: 'too long' } as const
    const refuse = { ...failure, promptTokens: 9, contextTokens: 5 }
    const { engine } = await open(() => ({ tokens: [], refuse }))
    engine.chat(ask) // an unhandled rejection would fail this test run
    const reply = engine.chat(ask)
    const expected = { code: 'ERR_CONTEXT_LENGTH', promptTokens: 9, contextTokens: 5 }
    await expect(reply.accepted).rejects.toMatchObject(expected)
    await expect(reply.text()).rejects.toMatchObject(expected)
    await expect(reply[Symbol.asyncIterator]().next()).rejects.toMatchObject(expected)
    await settle()
  })

  test('that fails in the middle gives its text first, then the error', async () => {
    const end = { code: 'ERR_ENGINE_FAILED', message: 'no' } as const
    const { engine } = await open(() => ({ tokens: ['Once', ' upon'], end }))
    let text = ''
    const reading = (async () => {
      for await (const part of engine.chat(ask)) text += part.text
    })()
    await expect(reading).rejects.toMatchObject({ code: 'ERR_ENGINE_FAILED' })
    expect(text).toBe('Once upon')
  })

  test('answers two readers that ask at once in order', async () => {
    const { engine } = await open(() => ({ tokens: ['Once', ' upon', ' a', ' time.'] }))
    const iterator = engine.chat(ask)[Symbol.asyncIterator]()
    const steps = await Promise.all([iterator.next(), iterator.next(), iterator.next()])
    const text = steps.map(({ value }) => value?.text ?? '').join('')
    expect('Once upon a time.'.startsWith(text)).toBe(true)
    expect(new Set(steps.filter(({ done }) => !done).map(({ value }) => value?.text)).size).toBe(
      steps.filter(({ done }) => !done).length,
    )
  })

  test('as a web stream gives the same text, and its cancel is the reply’s', async () => {
    const { addon, engine } = await open(() => ({ tokens: counting(), end: 'length' }))
    let text = ''
    for await (const part of engine.chat(ask, { maxTokens: 12 }).toWeb()) text += part.text
    expect(text.trim().split(' ')).toHaveLength(12)
    await engine.chat(ask).toWeb().cancel()
    await settle()
    expect(addon.engine.cancelled).toContain(2)
  })

  test('ends with ERR_CLOSED when its engine is closed', async () => {
    const { engine } = await open(() => ({ tokens: counting() }))
    const reply = engine.chat(ask)
    await reply.accepted
    await engine.close()
    await expect(reply.done).rejects.toMatchObject({ code: 'ERR_CLOSED' })
    await expect(engine.chat(ask).done).rejects.toMatchObject({ code: 'ERR_CLOSED' })
  })

  test('of several choices is read as one: each part names its choice', async () => {
    const script = ({ seed }: NativeRequest) => ({ tokens: [`a${seed} `, `b${seed}`] })
    const { engine, addon } = await open(script)
    const reply = engine.chat(ask, { n: 3, seed: 5 })
    const texts = ['', '', '']
    for await (const { choice, text } of reply) texts[choice] += text
    expect(texts).toEqual(['a5 b5', 'a6 b6', 'a7 b7'])
    expect(await reply.done).toMatchObject({
      seed: 5,
      usage: { promptTokens: 4, completionTokens: 6 },
      choices: [5, 6, 7].map((seed) => ({ seed, usage: { completionTokens: 2 } })),
    })
    expect(addon.engine.submitted.map(({ id }) => id)).toEqual([1, 2, 3])
  })

  test('of several choices is accepted once all of them are', async () => {
    const { engine, addon } = await open(() => ({ tokens: ['a'] }), { pace: 'manual' })
    const reply = engine.chat(ask, { n: 2 })
    const accepted: unknown[] = []
    void reply.accepted.then((value) => accepted.push(value))
    await settle()
    addon.engine.accept(1)
    await settle()
    expect(accepted).toEqual([])
    addon.engine.step()
    await settle()
    expect(accepted).toEqual([{ promptTokens: 4 }])
    addon.engine.step(4)
    await reply.done
  })

  test('fails when one of its choices does, and the others are cancelled', async () => {
    const { engine, addon } = await open(() => ({ tokens: counting() }), { pace: 'manual' })
    const reply = engine.chat(ask, { n: 3 })
    await settle()
    addon.engine.step(4)
    addon.engine.fail(2, { code: 'ERR_ENGINE_FAILED', message: 'no' })
    let text = ''
    const reading = (async () => {
      for await (const part of reply) text += part.text
    })()
    await expect(reading).rejects.toMatchObject({ code: 'ERR_ENGINE_FAILED' })
    expect(text).not.toBe('')
    await expect(reply.done).rejects.toMatchObject({ code: 'ERR_ENGINE_FAILED' })
    await settle()
    expect(addon.engine.cancelled).toEqual([1, 3])
    addon.engine.step()
    await settle()
    expect(engine.stats()).toMatchObject({ running: 0, failed: 1, cancelled: 2 })
    expect(addon.engine.isReferenced).toBe(false)
  })

  const leaves: Record<string, (reply: Reply, abort: AbortController, native: FakeEngine) => void> =
    {
      'one of its choices fails': (_reply, _abort, native) =>
        native.fail(2, { code: 'ERR_QUEUE_TIMEOUT', message: 'late' }),
      'it is cancelled': (reply) => reply.cancel(),
      'its signal is aborted': (_reply, abort) => abort.abort(),
    }
  test.each(Object.entries(leaves))(
    'makes room for another as soon as %s, before the engine’s next step',
    async (_, leave) => {
      const script = () => ({ tokens: counting() })
      const { addon } = await open(script, { pace: 'manual' })
      const full = await load({ model: 'fake.gguf', parallel: 3, queue: 0 })
      const native = addon.engine
      const abort = new AbortController()
      const reply = full.chat(ask, { n: 3, signal: abort.signal })
      await settle()
      native.step(4)
      await expect(full.chat(ask).accepted).rejects.toMatchObject({ code: 'ERR_OVERLOADED' })
      leave(reply, abort, native)
      await settle() // a failure is heard; nothing else comes of it without a step
      const next = full.chat(ask, { n: 3 })
      await settle()
      native.step()
      await next.accepted
      await full.close()
    },
  )

  test('that was cancelled keeps the ends of those choices that had ended', async () => {
    const script = ({ seed }: NativeRequest) => ({ tokens: seed === 1 ? ['a'] : counting() })
    const { engine, addon } = await open(script, { pace: 'manual' })
    const reply = engine.chat(ask, { n: 2, seed: 1 })
    await settle()
    addon.engine.step(5)
    await settle()
    reply.cancel()
    await settle()
    addon.engine.step()
    const { finishReason, choices } = await reply.done
    expect(finishReason).toBe('cancelled')
    expect(choices.map((one) => one.finishReason)).toEqual(['stop', 'cancelled'])
  })

  test('gives its choices’ texts apart, once it has ended', async () => {
    const script = ({ seed }: NativeRequest) => ({ tokens: [`${seed}`] })
    const { engine } = await open(script)
    const reply = engine.chat(ask, { n: 2, seed: 1 })
    expect(await reply.text()).toBe('1')
    const left: object[] = []
    for await (const { choice, text } of reply) left.push({ choice, text })
    expect(left).toEqual([
      { choice: 0, text: '1' },
      { choice: 1, text: '2' },
    ])
    expect(await engine.chat(ask, { n: 2, seed: 1 }).texts()).toEqual(['1', '2'])
  })

  test('tells all its text with done, text() and texts(), though it was read before', async () => {
    const { engine } = await open(() => ({ tokens: counting(), end: 'length' }))
    const expected = Array.from({ length: 600 }, (_, i) => `${i} `).join('')
    const reply = engine.chat(ask, { maxTokens: 600 })
    let read = ''
    for await (const part of reply) read += part.text
    expect(read).toBe(expected)
    const result = await reply.done
    expect([result.text, result.choices[0]?.text]).toEqual([expected, expected])
    expect([await reply.text(), await reply.texts()]).toEqual([expected, [expected]])
    expect((await engine.chat(ask, { maxTokens: 600 }).done).text).toBe(expected)
  })

  test('that is cancelled tells what came of it', async () => {
    const { engine } = await open(() => ({ tokens: counting() }))
    const reply = engine.chat(ask)
    let read = ''
    for await (const { text } of reply) {
      read += text
      if (read.length > 20) break
    }
    const { text, finishReason } = await reply.done
    expect([text.startsWith(read), finishReason]).toEqual([true, 'cancelled'])
  })

  test('keeps the order of text, thoughts and calls, and merges neighbours alike', async () => {
    const call = (index: number, more: string) => ({ index, arguments: more })
    const tokens = [
      { reasoning: 'Well' },
      { reasoning: '.' },
      'I ',
      { text: 'look' },
      { reasoning: 'Now.' },
      { toolCalls: [{ ...call(0, '{"a"'), id: 'x', name: 'run' }] },
      { toolCalls: [call(0, ':1}')] },
      { toolCalls: [{ ...call(1, '{}'), id: 'y', name: 'run' }] },
      'Done.',
    ]
    const calls = [
      { index: 0, id: 'x', name: 'run', arguments: '{"a":1}' },
      { index: 1, id: 'y', name: 'run', arguments: '{}' },
    ]
    const { engine, addon } = await open(() => ({ tokens }), { pace: 'manual' })
    const reply = engine.chat(ask)
    await settle()
    addon.engine.step(20)
    await settle()
    const iterator = reply[Symbol.asyncIterator]()
    const parts: unknown[] = []
    for (let i = 0; i < 4; i++) parts.push((await iterator.next()).value)
    expect(parts).toEqual([
      { choice: 0, text: '', reasoning: 'Well.', tokens: 2 },
      { choice: 0, text: 'I look', tokens: 2 },
      { choice: 0, text: '', reasoning: 'Now.', tokens: 1 },
      { choice: 0, text: '', toolCalls: calls, tokens: 3 },
    ])
    // By what was taken: the window is 8, and the engine hears of it by the half.
    await settle()
    expect(addon.engine.credited.map(({ tokens }) => tokens)).toEqual([4, 4])
    addon.engine.step(4)
    const rest: unknown[] = []
    for await (const part of { [Symbol.asyncIterator]: () => iterator }) rest.push(part)
    expect(rest).toEqual([{ choice: 0, text: 'Done.', tokens: 1 }])
    expect(await reply.done).toMatchObject({
      text: 'I lookDone.',
      reasoning: 'Well.Now.',
      toolCalls: calls.map(({ index: _, ...one }) => one),
    })
  })

  test('gives what is told of tokens that write nothing to the part before them', async () => {
    const entry = { id: 7, bytes: '', logprob: -2, name: '<|mark|>', top: [] }
    const tokens = [{ logprobs: [entry] }, { reasoning: 'So.' }, { logprobs: [entry] }, 'Yes.']
    const { engine, addon } = await open(() => ({ tokens }), { pace: 'manual' })
    const reply = engine.chat(ask)
    await settle()
    addon.engine.step(8)
    await settle()
    const parts: [string, string | undefined, number, number][] = []
    for await (const { text, reasoning, logprobs = [], tokens } of reply) {
      parts.push([text, reasoning, logprobs.length, tokens])
    }
    expect(parts).toEqual([
      ['', 'So.', 2, 3],
      ['Yes.', undefined, 0, 1],
    ])
  })

  test('has as many choices as the engine has slots at most', async () => {
    const { engine, addon } = await open(() => ({ tokens: ['a'] }))
    expect(() => engine.chat(ask, { n: 5 })).toThrow(
      "'n': expected a whole number from 1 to 4 (the engine's parallel), but got 5.",
    )
    expect(addon.engine.submitted).toHaveLength(0)
  })

  test('tells what was told of its tokens, with the text or after it', async () => {
    const token = (text: string) => ({
      id: 6,
      bytes: tokenBytes(text),
      logprob: -1,
      top: [],
    })
    const mark = { id: 7, bytes: '', logprob: -2, name: '<|mark|>' }
    const tokens = [
      { text: 'a', logprobs: [token('a')] },
      { logprobs: [{ ...mark, top: [mark] }] },
      { text: 'é', logprobs: [token('\u00e9')] },
    ]
    const { engine, addon } = await open(() => ({ tokens }))
    const told: string[] = []
    for await (const { logprobs = [] } of engine.chat(ask, { logprobs: 1 })) {
      told.push(...logprobs.map((one) => `${one.token} ${one.logprob} ${one.top.length}`))
    }
    expect(told).toEqual(['a -1 0', '<|mark|> -2 1', 'é -1 0'])
    expect(addon.engine.submitted[0]).toMatchObject({ logprobs: 1, choices: 1 })
    await engine.chat(ask).done
    expect(addon.engine.submitted[1]).toMatchObject({ logprobs: -1 })
  })
})
