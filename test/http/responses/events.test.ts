import { describe, expect, test } from 'vitest'
import type { FakePart, Script } from '../../support/fake-engine.js'
import { closeAfterEach, serve } from '../../support/serve.js'
import { wireCheck } from '../../support/wire/checks.mjs'
import {
  outputText,
  respond,
  streamed,
  type WireEvent,
  type WireItem,
} from '../../support/wire/responses.js'

// What POST /v1/responses sends for what a reply says, over the fake. Every event is also held
// against OpenAI's declarations and against their order: see test/support/wire.

closeAfterEach()

const input = 'Tell me a story'

/** Types of events, each once where it is repeated in a row. */
function types(events: readonly WireEvent[]): string[] {
  const all = events.map(({ type }) => type.replace(/^response\./, ''))
  return all.filter((type, i) => type !== all[i - 1])
}

const opening = ['created', 'in_progress']
const item = (...within: string[]) => ['output_item.added', ...within, 'output_item.done']
const text = item(
  'content_part.added',
  'output_text.delta',
  'output_text.done',
  'content_part.done',
)

const thinkFirst = (): Script => ({
  tokens: [{ reasoning: 'Hm.' }, { reasoning: ' Well.' }, { text: 'Yes.' }],
  reasoningTokens: 2,
})

describe(wireCheck(44), () => {
  test('a text is one message, streamed and whole', async () => {
    const { url } = await serve()
    const events = await streamed(url, { input })
    expect(types(events)).toEqual([...opening, ...text, 'completed'])
    const last = events.at(-1)?.response
    const deltas = events.filter(({ type }) => type === 'response.output_text.delta')
    expect(deltas.map(({ delta }) => delta).join('')).toBe('Once upon a time.')
    const whole = await respond(url, { input })
    for (const response of [last, whole]) {
      expect(response).toMatchObject({
        status: 'completed',
        error: null,
        incomplete_details: null,
        output: [{ type: 'message', role: 'assistant', status: 'completed' }],
        usage: {
          input_tokens: 4,
          input_tokens_details: { cached_tokens: 0, cache_write_tokens: 0 },
          output_tokens: 4,
          output_tokens_details: { reasoning_tokens: 0 },
          total_tokens: 8,
        },
      })
      expect(outputText(response as NonNullable<typeof response>)).toBe('Once upon a time.')
      expect(response?.completed_at).toBeGreaterThanOrEqual(Number(response?.created_at))
    }
  })

  test('reasoning is an item of its own before the text, in events of its own', async () => {
    const { url } = await serve({ script: thinkFirst })
    const events = await streamed(url, { input })
    const thought = item(
      'content_part.added',
      'reasoning_text.delta',
      'reasoning_text.done',
      'content_part.done',
    )
    expect(types(events)).toEqual([...opening, ...thought, ...text, 'completed'])
    for (const response of [events.at(-1)?.response, await respond(url, { input })]) {
      expect(response).toMatchObject({
        output: [
          {
            type: 'reasoning',
            summary: [],
            content: [{ type: 'reasoning_text', text: 'Hm. Well.' }],
            status: 'completed',
          },
          { type: 'message', content: [{ text: 'Yes.' }] },
        ],
        usage: { output_tokens_details: { reasoning_tokens: 2 } },
      })
    }
  })

  test('reasoning is its own summary where one is asked for', async () => {
    const { url } = await serve({ script: thinkFirst })
    for (const reasoning of [{ summary: 'auto' }, { generate_summary: 'concise' }]) {
      const events = await streamed(url, { input, reasoning })
      const thought = item(
        'reasoning_summary_part.added',
        'reasoning_summary_text.delta',
        'reasoning_summary_text.done',
        'reasoning_summary_part.done',
      )
      expect(types(events)).toEqual([...opening, ...thought, ...text, 'completed'])
      const summaries = events.filter(({ type }) => type.includes('summary'))
      for (const event of summaries) expect(event.summary_index).toBe(0)
      const [first] = events.at(-1)?.response?.output ?? []
      expect(first?.summary).toEqual([{ type: 'summary_text', text: 'Hm. Well.' }])
      expect(first).not.toHaveProperty('content')
    }
  })

  test('a reply that thinks, speaks and thinks again has its items in that order', async () => {
    const tokens = [{ reasoning: 'a' }, { text: 'b' }, { reasoning: 'c' }, { text: 'd' }]
    const { url } = await serve({ script: () => ({ tokens }) })
    const told = ({ type, content }: WireItem) => [type, content?.[0]?.text]
    const expected = [
      ['reasoning', 'a'],
      ['message', 'b'],
      ['reasoning', 'c'],
      ['message', 'd'],
    ]
    expect((await respond(url, { input })).output.map(told)).toEqual(expected)
    const events = await streamed(url, { input })
    expect(events.at(-1)?.response?.output.map(told)).toEqual(expected)
  })
})

describe(wireCheck(45, 46), () => {
  test('a text is numbered in all its events, by item and by part', async () => {
    const { url } = await serve()
    const events = await streamed(url, { input })
    expect(events.map((event) => event.sequence_number)).toEqual(events.map((_, i) => i))
    for (const event of events.filter(({ type }) => /text|part/.test(type))) {
      expect(event).toMatchObject({ output_index: 0, content_index: 0 })
      expect(event.item_id).toBe(events[2]?.item?.id)
    }
  })
})

describe(wireCheck(47), () => {
  test('a text that came up against its limit is incomplete, with its message', async () => {
    const { url } = await serve()
    const events = await streamed(url, { input, max_output_tokens: 2 })
    expect(types(events)).toEqual([...opening, ...text, 'incomplete'])
    for (const response of [
      events.at(-1)?.response,
      await respond(url, { input, max_output_tokens: 2 }),
    ]) {
      expect(response).toMatchObject({
        status: 'incomplete',
        incomplete_details: { reason: 'max_output_tokens' },
        max_output_tokens: 2,
        output: [{ status: 'incomplete', content: [{ text: 'Once upon' }] }],
      })
      expect(response).not.toHaveProperty('completed_at')
    }
  })

  test('reasoning that is cut is incomplete, and no message follows', async () => {
    const { url } = await serve({ script: thinkFirst })
    const events = await streamed(url, { input, max_output_tokens: 1 })
    expect(events.at(-1)).toMatchObject({
      type: 'response.incomplete',
      response: { output: [{ type: 'reasoning', status: 'incomplete' }] },
    })
  })
})

describe(wireCheck(47, 48), () => {
  test('a failure in mid-stream is a flat error, then the response as it failed', async () => {
    const end = { code: 'ERR_ENGINE_FAILED' as const, message: 'llama.cpp failed' }
    const { url } = await serve({
      script: () => ({ tokens: [{ reasoning: 'Hm.' }, { text: 'Once' }], end }),
    })
    const events = await streamed(url, { input })
    const [error, failed] = events.slice(-2)
    expect(error).toEqual({
      type: 'error',
      sequence_number: events.length - 2,
      code: 'engine_failed',
      message: 'llama.cpp failed',
      param: null,
    })
    expect(failed).toMatchObject({
      type: 'response.failed',
      response: {
        status: 'failed',
        error: { code: 'server_error', message: 'llama.cpp failed' },
        output: [{ type: 'reasoning' }],
      },
    })
  })
})

describe(wireCheck(51), () => {
  test('reasoning that a client sends back is what the model is told', async () => {
    const { url, native } = await serve({ script: thinkFirst })
    const include = ['reasoning.encrypted_content']
    const { output } = await respond(url, { input, include, reasoning: { summary: 'auto' } })
    const [thought, message] = output
    const [unasked] = (await respond(url, { input })).output
    expect(unasked?.encrypted_content).toBe(thought?.encrypted_content)
    expect(thought?.encrypted_content).toMatch(/^sluice\./)
    const kept = { type: 'reasoning', summary: [], encrypted_content: thought?.encrypted_content }
    await respond(url, {
      input: [{ role: 'user', content: input }, kept, message],
    })
    expect(native.submitted.at(-1)?.prompt).toMatchObject({
      messages: [{ role: 'user' }, { role: 'assistant', content: 'Yes.', reasoning: 'Hm. Well.' }],
    })
  })
})

describe('a text', () => {
  test('that is empty is a message all the same', async () => {
    const { url } = await serve({ script: () => ({ tokens: [] }) })
    const events = await streamed(url, { input })
    expect(types(events)).toEqual([
      ...opening,
      ...item('content_part.added', 'output_text.done', 'content_part.done'),
      'completed',
    ])
    expect(events.at(-1)?.response?.output).toMatchObject([{ content: [{ text: '' }] }])
  })

  test('has logprobs where `include` asks for them, in deltas without bytes', async () => {
    const logprob = { id: 7, token: ' a', bytes: ' a', logprob: -0.5 }
    const entry = { ...logprob, top: [logprob] }
    const script = (): Script => ({ tokens: [{ text: ' a', logprobs: [entry] } as FakePart] })
    const { url, native } = await serve({ script })
    const include = ['message.output_text.logprobs']
    const events = await streamed(url, { input, include, top_logprobs: 1 })
    const delta = events.find(({ type }) => type === 'response.output_text.delta')
    const told = { token: ' a', logprob: -0.5 }
    expect(delta?.logprobs).toEqual([{ ...told, top_logprobs: [told] }])
    const part = events.at(-1)?.response?.output[0]?.content?.[0]
    const whole = { ...told, bytes: [32, 97] }
    expect(part?.logprobs).toEqual([{ ...whole, top_logprobs: [whole] }])
    await respond(url, { input, top_logprobs: 1 })
    expect(native.submitted.map(({ logprobs }) => logprobs)).toEqual([1, -1])
  })
})

test('a failure of a reply that is not streamed is its status', async () => {
  const end = { code: 'ERR_ENGINE_FAILED' as const, message: 'llama.cpp failed' }
  const { url } = await serve({ script: () => ({ tokens: ['Once'], end }) })
  expect(await respond(url, { input })).toMatchObject({ error: { code: 'engine_failed' } })
})

test('a stream carries no line break that some clients see in Unicode', async () => {
  const { url } = await serve({ script: () => ({ tokens: ['a\u2028b\u0085c'] }) })
  const response = await fetch(`${url}/v1/responses`, {
    method: 'POST',
    body: JSON.stringify({ input, stream: true }),
  })
  const body = await response.text()
  expect(body).not.toMatch(/[\u0085\u2028]/)
  expect(body).toContain('a\\u2028b\\u0085c')
})
