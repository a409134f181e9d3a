import { describe, expect, test } from 'vitest'
import { eventually } from '../../support/eventually.js'
import type { FakePart, Script } from '../../support/fake-engine.js'
import { post } from '../../support/raw-client.js'
import { closeAfterEach, counting, serve, standsStill, stepUntil } from '../../support/serve.js'
import { framesOf } from '../../support/sse.js'
import {
  askMessages,
  blocksOf,
  eventsOf,
  messagesPath,
  tale,
  version,
} from '../../support/wire/anthropic/messages.js'
import { wireCheck } from '../../support/wire/checks.mjs'

// Streams of /v1/messages, over the fake. What other servers get wrong is named as theirs.

closeAfterEach()

const call = (index: number, json: string, more: object = {}): FakePart => {
  return { toolCalls: [{ index, arguments: json, ...more }] }
}
const weather = { name: 'get_weather', input_schema: { type: 'object' } }
const thinkAndCall = (): Script => ({
  tokens: [
    { reasoning: 'I must' },
    { reasoning: ' look.' },
    { text: 'Let me see.' },
    call(0, '', { id: 'call_a', name: 'get_weather' }),
    call(0, '{"ci'),
    call(0, 'ty":"Paris"}'),
    call(1, '{"city":"Rome"}', { id: 'call_b', name: 'get_weather' }),
  ],
  end: 'tool_calls',
  promptTokens: 20,
  cachedTokens: 15,
  reasoningTokens: 2,
})

async function streamed(script: () => Script, more: object = {}) {
  const { url } = await serve({ script })
  const response = await askMessages(url, tale(more))
  expect(response.headers.get('content-type')).toBe('text/event-stream; charset=utf-8')
  return eventsOf(await response.text())
}

describe(wireCheck(54, 57, 58), () => {
  test('blocks follow each other, each stopped before the next', async () => {
    const events = await streamed(thinkAndCall, { tools: [weather] })
    const bounds = events.filter(({ type }) => /block_st/.test(type))
    expect(bounds.map(({ type, index }) => [type.slice(14), index])).toEqual([
      ...[0, 1, 2, 3].flatMap((index) => [
        ['start', index],
        ['stop', index],
      ]),
    ])
    expect(blocksOf(events)).toMatchObject([
      { type: 'thinking', thinking: 'I must look.', signature: expect.stringMatching(/./) },
      { type: 'text', text: 'Let me see.' },
      { type: 'tool_use', id: 'call_a', name: 'get_weather', partial_json: '{"city":"Paris"}' },
      { type: 'tool_use', id: 'call_b', name: 'get_weather', partial_json: '{"city":"Rome"}' },
    ])
  })
})

describe(wireCheck(57), () => {
  test('a tool_use begins with an empty input', async () => {
    const events = await streamed(thinkAndCall, { tools: [weather] })
    const started = events.filter(({ content_block: block }) => block?.type === 'tool_use')
    expect(started.map(({ content_block: block }) => block)).toMatchObject([
      { id: 'call_a', input: {} },
      { id: 'call_b', input: {} },
    ])
  })
})

describe(wireCheck(56), () => {
  test('an error in a stream is in its envelope, by its event, and the last', async () => {
    const end = { code: 'ERR_ENGINE_FAILED' as const, message: 'llama.cpp failed' }
    const { url } = await serve({ script: () => ({ tokens: ['Once'], end }) })
    const response = await askMessages(url, tale())
    const frames = framesOf(await response.text())
    const error = { type: 'api_error', message: 'llama.cpp failed' }
    const request_id = response.headers.get('request-id')
    expect(frames.at(-1)).toBe(
      `event: error\ndata: ${JSON.stringify({ type: 'error', error, request_id })}`,
    )
    expect(frames.some((frame) => frame.includes('message_stop'))).toBe(false)
  })
})

describe(wireCheck(58), () => {
  test('thinking that is left out is not shown, and comes back by its signature', async () => {
    const thinking = { type: 'adaptive', display: 'omitted' }
    const { url, native } = await serve({ script: thinkAndCall })
    const events = eventsOf(await (await askMessages(url, tale({ thinking }))).text())
    const [block, ...others] = blocksOf(events)
    expect(block).toMatchObject({ type: 'thinking', thinking: '' })
    expect(JSON.stringify(events)).not.toContain('I must')
    const said = others.filter(({ type }) => type === 'text')
    const messages = [
      { role: 'user', content: 'Hi' },
      { role: 'assistant', content: [block, ...said] },
      { role: 'user', content: 'And?' },
    ]
    await askMessages(url, tale({ messages }))
    expect(native.submitted[1]?.prompt).toMatchObject({
      messages: [{}, { reasoning: 'I must look.', content: 'Let me see.' }, {}],
    })
  })
})

describe('what llama-server gets wrong', () => {
  test('message_delta has input_tokens, without those from the cache', async () => {
    const events = await streamed(thinkAndCall, { tools: [weather] })
    expect(events[0]?.message?.usage).toMatchObject({ input_tokens: 20, output_tokens: 0 })
    const last = events.find(({ type }) => type === 'message_delta')
    expect(last?.usage).toMatchObject({
      input_tokens: 5,
      cache_read_input_tokens: 15,
      cache_creation_input_tokens: 0,
      output_tokens: 7,
      output_tokens_details: { thinking_tokens: 2 },
    })
    expect(last?.delta).toMatchObject({ stop_reason: 'tool_use', stop_sequence: null })
  })

  // Blocks that overlap, a tool_use without an input, an error without its envelope: above. Named
  // tools, none, no parallel calls, thinking, effort: requests.test.ts. Documents and blocks that
  // are dropped without a word: wrong.test.ts. A stop string: test/e2e/http/messages.test.ts.
})

test('a reply of text is one block, and its text is the same not streamed', async () => {
  const tokens = ['Grüße', ' an 🦊', '\n\ndata: ', '\u2028', ' 漢字']
  const script = () => ({ tokens })
  const events = await streamed(script)
  expect(blocksOf(events)).toEqual([{ type: 'text', text: tokens.join('') }])
  const { url } = await serve({ script })
  const whole = await (await askMessages(url, tale({ stream: false }))).json()
  expect(whole).toMatchObject({
    content: [{ type: 'text', text: tokens.join('') }],
    stop_reason: 'end_turn',
    model: 'default',
  })
})

describe(wireCheck(55), () => {
  test('pings are events, and come while nothing else does', async () => {
    const { url, native } = await serve({ pace: 'manual', server: { pingMs: 20 } })
    const response = await askMessagesWhileStepping(url, native)
    const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader()
    let text = ''
    while (!text.includes('ping')) text += (await reader?.read())?.value ?? ''
    expect(framesOf(text).at(-1)).toBe('event: ping\ndata: {"type":"ping"}')
    await stepUntil(native, () => native.stats().finished === 1)
    for (let read = await reader?.read(); read?.done === false; read = await reader?.read()) {
      text += read.value
    }
    expect(blocksOf(eventsOf(text))).toEqual([{ type: 'text', text: 'Once upon a time.' }])
  })
})

async function askMessagesWhileStepping(
  url: string,
  native: Awaited<ReturnType<typeof serve>>['native'],
): Promise<Response> {
  const asked = askMessages(url, tale())
  await eventually(() => native.submitted.length === 1)
  native.accept(native.submitted[0]?.id ?? 0)
  return asked
}

describe('a client that leaves', () => {
  const endless = () => ({ tokens: counting() })

  test.each([true, false])('ends the generation, stream: %j', async (stream) => {
    const { native, client } = await serve({ pace: 'manual', script: endless })
    const one = await client()
    one.send(post(messagesPath, tale({ stream, max_tokens: 100_000 }), version))
    await stepUntil(native, () => native.stats().tokensGenerated >= 3)
    one.reset()
    await eventually(() => native.cancelled.length === 1)
    native.step()
    expect(native.stats()).toMatchObject({ running: 0, queued: 0, cancelled: 1 })
  })

  test('in the queue never runs', async () => {
    const engine = { parallel: 1 }
    const { native, client } = await serve({ pace: 'manual', script: endless, engine })
    const [first, second] = [await client(), await client()]
    first.send(post(messagesPath, tale({ max_tokens: 100_000 })))
    await stepUntil(native, () => native.stats().running === 1)
    second.send(post(messagesPath, tale()))
    await eventually(() => native.submitted.length === 2)
    second.fin()
    await eventually(() => native.cancelled.length === 1)
    expect(native.produced.get(native.submitted[1]?.id ?? 0)).toBeUndefined()
  })
})

test('a reader that stops holds the engine within its window', async () => {
  function* long() {
    for (;;) yield 'x'.repeat(65_536)
  }
  const script = () => ({ tokens: long() })
  const { native, client } = await serve({ pace: 'manual', script, engine: { window: 8 } })
  const one = await client({ reads: false })
  one.send(post(messagesPath, tale({ max_tokens: 1_000_000 })))
  await stepUntil(native, () => native.stats().parked === 1)
  await standsStill(native)
  expect(native.stats().tokensGenerated).toBeLessThan(1000) // no system has 64 MB for a connection
})

describe(wireCheck(63), () => {
  test('a prompt that is too long is a 400 that makes Claude Code compact', async () => {
    const refuse = {
      code: 'ERR_CONTEXT_LENGTH' as const,
      message: 'the prompt has 9000 tokens, the context holds 2048',
      promptTokens: 9000,
      contextTokens: 2048,
    }
    const { url } = await serve({ script: () => ({ tokens: [], refuse }) })
    for (const stream of [true, false]) {
      const response = await askMessages(url, tale({ stream }))
      expect(response.status).toBe(400)
      expect(await response.json()).toMatchObject({
        error: {
          type: 'invalid_request_error',
          message: 'prompt is too long: 9000 tokens > 2048 maximum',
        },
      })
    }
  })
})

describe('before the stream', () => {
  test('a full queue is a 429 with Retry-After', async () => {
    const engine = { parallel: 1, queue: 0 }
    const { url, native, client } = await serve({ pace: 'manual', engine })
    const one = await client()
    one.send(post(messagesPath, tale()))
    await eventually(() => native.submitted.length === 1)
    const full = await askMessages(url, tale())
    expect([full.status, full.headers.get('retry-after')]).toEqual([429, '1'])
    expect(await full.json()).toMatchObject({ error: { type: 'rate_limit_error' } })
  })
})
