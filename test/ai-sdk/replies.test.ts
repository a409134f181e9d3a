import { APICallError } from '@ai-sdk/provider'
import { describe, expect, test, vi } from 'vitest'
import { noPlaces } from '../../src/ai-sdk/places.js'
import { ReplyStream } from '../../src/ai-sdk/reply-stream.js'
import { InvalidOptionError } from '../../src/api/errors.js'
import { call, scriptedProvider, streamed, thrownBy } from '../support/chats/scripted-provider.js'
import { settle } from '../support/eventually.js'
import { tokenBytes } from '../support/fake-engine.js'
import { wireCheck } from '../support/wire/checks.mjs'

// What the AI SDK is told of a reply, whole and streamed.

const open = scriptedProvider()

const called = (index: number, more: object) => ({
  toolCalls: [{ index, arguments: '', ...more }],
})
const calls = [
  { reasoning: 'Hm' },
  { reasoning: '.' },
  'I ',
  'look',
  called(0, { id: 'a', name: 'look' }),
  called(0, { arguments: '{"at":' }),
  called(0, { arguments: '"sky"}' }),
  called(1, { id: 'b', name: 'wait' }),
  called(1, { arguments: '{}' }),
]
const whole = [
  { type: 'tool-call', toolCallId: 'a', toolName: 'look', input: '{"at":"sky"}' },
  { type: 'tool-call', toolCallId: 'b', toolName: 'wait', input: '{}' },
]

describe(wireCheck(73), () => {
  test('a reply is streamed in blocks, of which one ends before the next starts', async () => {
    const parts = await streamed(await open({ tokens: calls, end: 'tool_calls' }))
    expect(parts[0]).toEqual({ type: 'stream-start', warnings: [] })
    expect(parts[1]).toMatchObject({
      type: 'response-metadata',
      id: expect.stringMatching(/.{8}/),
      timestamp: expect.any(Date),
      modelId: 'fake',
    })
    const short = parts.slice(2, -1).map((part) => {
      const { type, id, delta } = part as { type: string; id?: string; delta?: string }
      return type === 'tool-call' ? part : [type, id, ...(delta === undefined ? [] : [delta])]
    })
    expect(short).toEqual([
      ['reasoning-start', 'reasoning-0'],
      ['reasoning-delta', 'reasoning-0', 'Hm'],
      ['reasoning-delta', 'reasoning-0', '.'],
      ['reasoning-end', 'reasoning-0'],
      ['text-start', 'text-1'],
      ['text-delta', 'text-1', 'I '],
      ['text-delta', 'text-1', 'look'],
      ['text-end', 'text-1'],
      ['tool-input-start', 'a'],
      ['tool-input-delta', 'a', '{"at":'],
      ['tool-input-delta', 'a', '"sky"}'],
      ['tool-input-end', 'a'],
      whole[0],
      ['tool-input-start', 'b'],
      ['tool-input-delta', 'b', '{}'],
      ['tool-input-end', 'b'],
      whole[1],
    ])
    expect(parts.at(-1)).toMatchObject({
      type: 'finish',
      finishReason: { unified: 'tool-calls', raw: 'tool_calls' },
    })
  })

  test('a reply tells what it took and how it ended', async () => {
    const tokens = [{ reasoning: 'Hm' }, 'a', 'b']
    const usage = { promptTokens: 9, cachedTokens: 4, reasoningTokens: 1 }
    const provider = await open({ tokens, ...usage })
    const given = { seed: 5, maxOutputTokens: 3 }
    const whole = await provider.sluice().doGenerate(call(given))
    expect(whole.usage).toEqual({
      inputTokens: { total: 9, noCache: 5, cacheRead: 4, cacheWrite: undefined },
      outputTokens: { total: 3, text: 2, reasoning: 1 },
      raw: { promptTokens: 9, cachedTokens: 4, completionTokens: 3, reasoningTokens: 1 },
    })
    expect(whole.providerMetadata).toEqual({
      sluice: { seed: 5, limit: 'maxTokens', timings: expect.objectContaining({ parkedMs: 0 }) },
    })
    expect(whole.response).toMatchObject({ modelId: 'fake' })
    const { usage: told, finishReason, providerMetadata } = whole
    const last = (await streamed(provider, given)).at(-1)
    expect(last).toEqual({ type: 'finish', usage: told, finishReason, providerMetadata })
  })
})

describe('a reply', () => {
  test('is its parts in their order', async () => {
    const { sluice } = await open({ tokens: calls, end: 'tool_calls' })
    const { content, finishReason } = await sluice().doGenerate(call())
    expect(content).toEqual([
      { type: 'reasoning', text: 'Hm.' },
      { type: 'text', text: 'I look' },
      ...whole,
    ])
    expect(finishReason).toEqual({ unified: 'tool-calls', raw: 'tool_calls' })
  })

  test('that is cut within a call has no call that could be run', async () => {
    const cut = { tokens: calls.slice(0, -4), end: 'length' as const }
    const { sluice } = await open(cut)
    const { content, finishReason } = await sluice().doGenerate(call())
    expect(content.map(({ type }) => type)).toEqual(['reasoning', 'text'])
    expect(finishReason).toEqual({ unified: 'length', raw: 'length' })
    const types = (await streamed(await open(cut))).map(({ type }) => type)
    expect(types.slice(-2)).toEqual(['tool-input-end', 'finish'])
  })

  test('that is cut behind its call has it', async () => {
    const { sluice } = await open({ tokens: calls.slice(0, -2), end: 'length' })
    const { content } = await sluice().doGenerate(call())
    expect(content.at(-1)).toEqual(whole[0])
  })

  test('tells how likely its tokens were, where that is asked for', async () => {
    const entry = { id: 7, bytes: tokenBytes('a'), logprob: -0.5 }
    const tokens = [{ text: 'a', logprobs: [{ ...entry, top: [entry] }] }]
    const provider = await open({ tokens })
    const options = { providerOptions: { sluice: { logprobs: 1 } } }
    const { providerMetadata } = await provider.sluice().doGenerate(call(options))
    const logprobs = [{ token: 'a', logprob: -0.5, top: [{ token: 'a', logprob: -0.5 }] }]
    expect(providerMetadata?.sluice).toMatchObject({ logprobs })
    const last = (await streamed(provider, options)).at(-1)
    expect(last).toMatchObject({ providerMetadata: { sluice: { logprobs } } })
  })

  test('tells what was dropped so that the conversation fits', async () => {
    const { sluice } = await open({ tokens: ['a'] }, {}, { context: 64 })
    const told = (text: string) => [{ type: 'text' as const, text: text.repeat(4) }]
    const prompt = [
      { role: 'user' as const, content: told('first ') },
      { role: 'assistant' as const, content: told('second ') },
      { role: 'user' as const, content: told('third ') },
    ]
    const options = { prompt, providerOptions: { sluice: { fit: true } } }
    const { providerMetadata } = await sluice().doGenerate(options)
    expect(providerMetadata?.sluice?.dropped).toEqual([0, 1])
    // One of the prompt's messages that is several of the engine's.
    const tool = { toolCallId: 'a', toolName: 'look' }
    const output = { type: 'text' as const, value: 'a fox' }
    const content = [
      { type: 'tool-call' as const, ...tool, input: {} },
      { type: 'tool-result' as const, ...tool, output },
      ...told('second '),
    ]
    const twofold = [prompt[0], { role: 'assistant' as const, content }, prompt[2]] as typeof prompt
    const { providerMetadata: more } = await sluice().doGenerate({ ...options, prompt: twofold })
    expect(more?.sluice?.dropped).toEqual([0, 1])
    const { stream } = await sluice().doStream({ ...options, prompt: prompt.slice(2) })
    const parts = []
    for await (const part of stream) parts.push(part)
    expect(parts.at(-1)).toMatchObject({ providerMetadata: { sluice: { dropped: [] } } })
  })

  test('comes with its raw parts where they are asked for', async () => {
    const parts = await streamed(await open({ tokens: ['a'] }), { includeRawChunks: true })
    const raw = parts.filter(({ type }) => type === 'raw')
    expect(raw).toEqual([{ type: 'raw', rawValue: { choice: 0, text: 'a', tokens: 1 } }])
  })
})

describe(wireCheck(72), () => {
  const endless = { tokens: Array<string>(500).fill('a ') }

  // Of the small one each token that is taken would let the reply go on.
  test.each([8, 2])('a reply is read no further than its reader goes: %i', async (window) => {
    const { sluice, fake, engine } = await open(endless, {}, { window })
    const { stream } = await sluice().doStream(call())
    await settle(50)
    expect(fake.produced.get(1)).toBe(window)
    await stream.cancel()
    await settle(50)
    expect(fake.cancelled).toEqual([1])
    expect(engine.stats()).toMatchObject({ running: 0, parked: 0, cancelled: 1 })
  })

  test.each([
    ['the signal’s own reason', new Error('enough'), 'Error'],
    ['an AbortError', undefined, 'AbortError'],
    ['an AbortError for a reason that is no error', 'enough', 'AbortError'],
  ])('an abort rejects with %s', async (_, reason, name) => {
    const { sluice, fake } = await open(endless)
    const leave = new AbortController()
    const asked = thrownBy(sluice().doGenerate(call({ abortSignal: leave.signal })))
    const { stream } = await sluice().doStream(call({ abortSignal: leave.signal }))
    leave.abort(reason)
    const reader = stream.getReader()
    const read = async () => {
      while (!(await reader.read()).done);
    }
    for (const error of [await asked, await thrownBy(read())]) expect(error).toMatchObject({ name })
    await settle(50)
    expect(fake.cancelled.sort()).toEqual([1, 2])
    const before = { abortSignal: leave.signal }
    expect(await thrownBy(sluice().doGenerate(call(before)))).toMatchObject({ name })
    expect(fake.submitted).toHaveLength(2)
  })
})

test('a stream that is cancelled while a read waits tells nobody more', async () => {
  const { engine, fake } = await open({ tokens: ['a'], prefillSteps: 1e9 })
  const reply = engine.chat([{ role: 'user', content: 'Hi' }])
  const source = new ReplyStream(reply, {
    first: [],
    signal: undefined,
    hasRaw: true,
    places: noPlaces,
  })
  const controller = { desiredSize: 0, enqueue: vi.fn(), close: vi.fn(), error: vi.fn() }
  const read = source.pull(controller)
  await source.cancel()
  await read
  expect(await reply.done).toMatchObject({ finishReason: 'cancelled' })
  expect(fake.cancelled).toEqual([1])
  for (const told of [controller.enqueue, controller.close, controller.error]) {
    expect(told).not.toHaveBeenCalled()
  }
})

describe('an engine that fails', () => {
  const failure = { code: 'ERR_ENGINE_FAILED' as const, message: 'the batch failed' }

  test('in the middle of a reply is told of in the stream, which ends', async () => {
    const parts = await streamed(await open({ tokens: ['a', 'b'], end: failure }))
    const [ended, told, finish] = parts.slice(-3)
    expect(ended).toEqual({ type: 'text-end', id: 'text-0' })
    const { error } = told as { error: unknown }
    expect(APICallError.isInstance(error)).toBe(true)
    expect(error).toMatchObject({ statusCode: 500, isRetryable: true })
    expect(finish).toMatchObject({
      type: 'finish',
      finishReason: { unified: 'error', raw: 'ERR_ENGINE_FAILED' },
      usage: { inputTokens: { total: 4 }, outputTokens: { total: 2 } },
    })
  })

  test('rejects a reply that is wanted whole', async () => {
    const { sluice } = await open({ tokens: ['a'], end: failure })
    const error = await thrownBy(sluice().doGenerate(call()))
    expect(error).toMatchObject({ message: 'the batch failed', data: { code: failure.code } })
  })

  test.each([
    ['ERR_QUEUE_TIMEOUT' as const, 503, true, { 'retry-after': '5' }],
    ['ERR_CONTEXT_LENGTH' as const, 400, false, {}],
    ['ERR_CLOSED' as const, 503, false, {}],
  ])('by %s says whether to try again', async (code, statusCode, isRetryable, responseHeaders) => {
    const { sluice } = await open({ tokens: [], refuse: { code, message: 'no' } })
    for (const asked of [sluice().doGenerate(call()), sluice().doStream(call())]) {
      const error = await thrownBy(asked)
      expect(APICallError.isInstance(error)).toBe(true)
      expect(error).toMatchObject({ statusCode, isRetryable, responseHeaders, cause: { code } })
    }
  })
})

describe('an engine of another copy of the package', () => {
  test('has its errors known by their codes', async () => {
    vi.resetModules()
    const other = await import('../../src/api/errors.js')
    const wrong = new other.InvalidOptionError('maxTokens', "'maxTokens': expected a number")
    expect(wrong).not.toBeInstanceOf(InvalidOptionError)
    const { sluice, engine } = await open()
    const chat = vi.spyOn(engine, 'chat')
    const thrown = async (error: Error, abortSignal = AbortSignal.any([])) => {
      chat.mockImplementation(() => {
        throw error
      })
      return thrownBy(sluice().doGenerate(call({ abortSignal })))
    }
    expect(await thrown(wrong)).toMatchObject({
      name: 'AI_APICallError',
      message: "'maxOutputTokens': expected a number",
      statusCode: 400,
    })
    const full = new other.OverloadedError('the queue is full')
    expect(await thrown(full)).toMatchObject({ statusCode: 429, isRetryable: true })
    const cancelled = new other.CancelledError('the request was cancelled')
    expect(await thrown(cancelled, AbortSignal.abort())).toMatchObject({ name: 'AbortError' })
    const unknown = Object.assign(new Error('no'), { code: 'ENOENT' })
    expect(await thrown(unknown)).toBe(unknown)
  })
})
