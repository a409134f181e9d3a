import { describe, expect, test } from 'vitest'
import type { FakePart, Script } from '../../support/fake-engine.js'
import { tokenBytes } from '../../support/fake-engine.js'
import { closeAfterEach, type ServeOptions, serve } from '../../support/serve.js'
import { wireCheck } from '../../support/wire/checks.mjs'
import { ask, linesOf, type OllamaLine, question } from '../../support/wire/ollama.js'

// POST /api/chat over the fake: what is asked of the engine, and what is answered.

closeAfterEach()

async function chat(more: object = {}, options: ServeOptions = {}) {
  const served = await serve(options)
  const response = await ask(served.url, 'chat', question(more))
  return { ...served, response }
}

async function whole(more: object = {}, options: ServeOptions = {}) {
  const { response, ...served } = await chat({ stream: false, ...more }, options)
  const body = (await response.json()) as OllamaLine
  expect([response.status, body]).toEqual([200, expect.anything()])
  return { ...served, body, notes: response.headers.get('x-sluice-notes') }
}

describe('a chat of Ollama', () => {
  test('streams by default: a line for each piece, and a last one with the counts', async () => {
    const { response } = await chat()
    expect(response.headers.get('content-type')).toBe('application/x-ndjson')
    expect(response.headers.get('cache-control')).toBe('no-cache, no-transform')
    const lines = linesOf(await response.text())
    const pieces = lines.slice(0, -1)
    expect(pieces.map(({ message }) => message?.content).join('')).toBe('Once upon a time.')
    for (const piece of pieces) {
      expect(piece).toEqual({
        model: 'default',
        created_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
        message: { role: 'assistant', content: expect.any(String) },
        done: false,
      })
    }
    const count = expect.any(Number)
    expect(lines.at(-1)).toEqual({
      model: 'default',
      created_at: expect.any(String),
      message: { role: 'assistant', content: '' },
      done: true,
      done_reason: 'stop',
      total_duration: count,
      load_duration: count,
      prompt_eval_count: 4,
      prompt_eval_duration: 0,
      eval_count: 4,
      eval_duration: 0,
    })
  })

  test('is one body where it is not to be streamed, with the same text', async () => {
    const { body } = await whole()
    expect(body).toMatchObject({
      message: { role: 'assistant', content: 'Once upon a time.' },
      done: true,
      done_reason: 'stop',
      prompt_eval_count: 4,
      eval_count: 4,
    })
  })

  test('has times in nanoseconds, whole numbers of them', async () => {
    const script = () => ({ tokens: ['a'], parkedMs: 1.5 })
    const { body } = await whole({}, { script })
    expect(body.eval_duration).toBe(1_500_000)
    expect(Number.isInteger(body.total_duration)).toBe(true)
    expect(body.total_duration).toBeGreaterThan(0)
  })

  test('says that it ended at its limit', async () => {
    const { body } = await whole({ options: { num_predict: 2 } })
    expect(body).toMatchObject({ message: { content: 'Once upon' }, done_reason: 'length' })
  })

  test('answers by the name that it was asked by, with the usual tag too', async () => {
    const { url } = await serve()
    for (const model of ['fake', 'fake:latest', 'default:latest']) {
      const response = await ask(url, 'chat', question({ model, stream: false }))
      expect(await response.json()).toMatchObject({ model })
    }
    const none = await ask(url, 'chat', question({ model: 'fake:7b' }))
    expect([none.status, await none.json()]).toEqual([
      404,
      { error: expect.stringContaining("no model 'fake:7b' here") },
    ])
  })

  test('sends lines that no client splits, whatever is in the text', async () => {
    const script = () => ({ tokens: ['a\u2028b', 'c\u0085\n'] })
    const { response } = await chat({}, { script })
    const text = await response.text()
    expect(text).not.toMatch(/[\u0085\u2028\u2029]/)
    const said = linesOf(text).map(({ message }) => message?.content)
    expect(said.join('')).toBe('a\u2028bc\u0085\n')
  })
})

describe('what a chat of Ollama asks of the engine', () => {
  test('are its options, by our names', async () => {
    const options = {
      ...{ temperature: 0.5, top_k: 40, top_p: 0.9, min_p: 0.1, typical_p: 0.8, seed: 7 },
      ...{ repeat_penalty: 1.1, repeat_last_n: 33, presence_penalty: 1.5, num_predict: 9 },
      ...{ frequency_penalty: 0.5, mirostat: 1, mirostat_tau: 0.8, mirostat_eta: 0.6 },
      ...{ stop: ['\n', 'user:'], num_ctx: 1024, tfs_z: 1 },
      ...{ numa: false, num_batch: 2, num_gpu: 1, main_gpu: 0, use_mmap: true, num_thread: 8 },
      ...{ num_keep: 5, penalize_newline: true, low_vram: false, draft_num_predict: 4 },
    }
    const { native, notes } = await whole({ options })
    expect(native.submitted[0]).toMatchObject({
      ...{ temperature: 0.5, topK: 40, topP: 0.9, minP: 0.1, typicalP: 0.8, seed: 7 },
      ...{ repeatPenalty: 1.1, repeatLastN: 33, presencePenalty: 1.5, maxTokens: 9 },
      ...{ frequencyPenalty: 0.5, mirostat: 1, mirostatTau: 0.8, mirostatEta: 0.6 },
      stop: ['\n', 'user:'],
    })
    expect(notes).toBe(null)
  })

  test('has the server’s limit where it says none, as -1 and -2 do', async () => {
    for (const num_predict of [undefined, null, -1, -2]) {
      const { native } = await whole({ options: { num_predict } }, { server: { maxTokens: 3 } })
      expect(native.submitted[0]?.maxTokens).toBe(3)
    }
  })

  test('tells of options without effect: unknown ones, and too long a context', async () => {
    const { notes } = await whole({ options: { num_ctx: 4096, mystery: 1 }, other: 1 })
    expect(notes?.split(' | ')).toEqual([
      'other: unknown, so it had no effect',
      'options.mystery: unknown, so it had no effect',
      "options.num_ctx: expected at most 2048, the server's context; taken as: that",
    ])
  })

  test('is the conversation, with calls, answers and thoughts', async () => {
    const call = { function: { name: 'get_weather', arguments: { city: 'Rome' } } }
    const { native } = await whole({
      messages: [
        { role: 'SYSTEM', content: 'Be brief.' },
        { role: 'user', content: 'How is it in Rome?', images: [] },
        { role: 'assistant', content: '', thinking: 'Rome.', tool_calls: [call] },
        { role: 'tool', tool_name: 'get_weather', content: 'sunny' },
      ],
    })
    expect(native.submitted[0]?.prompt).toMatchObject({
      messages: [
        { role: 'system', content: 'Be brief.' },
        { role: 'user', content: 'How is it in Rome?' },
        {
          role: 'assistant',
          reasoning: 'Rome.',
          toolCalls: [{ name: 'get_weather', arguments: '{"city":"Rome"}' }],
        },
        { role: 'tool', name: 'get_weather', content: 'sunny' },
      ],
    })
  })

  test('is a form: any JSON, or a schema, and none where the word is empty', async () => {
    for (const [format, hasGrammar] of [
      ['json', true],
      [{ type: 'object', properties: { a: { type: 'integer' } } }, true],
      ['', false],
      [null, false],
    ] as const) {
      const { native } = await whole({ format })
      expect([format, Boolean(native.submitted[0]?.grammar)]).toEqual([format, hasGrammar])
    }
  })

  test('is whether and how much to think, where the model can', async () => {
    const thinker = { model: { reasoningEnds: ['</think>'] } }
    for (const [think, told] of [
      [false, { wantsReasoning: false, reasoningEffort: '' }],
      [true, { wantsReasoning: true, reasoningEffort: '' }],
      ['high', { wantsReasoning: true, reasoningEffort: 'high' }],
      ['max', { wantsReasoning: true, reasoningEffort: 'high' }],
    ] as const) {
      const { native, notes } = await whole({ think }, thinker)
      expect([think, native.submitted[0]?.prompt]).toMatchObject([think, told])
      expect(notes).toBe(null)
    }
    const { notes } = await whole({ think: true })
    expect(notes).toBe(
      'think: the model has no marks of reasoning that are known, so it had no effect',
    )
  })

  test('drops the oldest turns of a long conversation where that is asked for', async () => {
    const long = 'word '.repeat(3000)
    const messages = [
      { role: 'user', content: long },
      { role: 'assistant', content: 'ok' },
      { role: 'user', content: 'Hi' },
    ]
    const { native, notes } = await whole({ messages, truncate: true })
    expect(native.submitted[0]?.prompt).toMatchObject({ messages: [{ content: 'Hi' }] })
    expect(notes).toBe('messages: 2 of 3 do not fit the context; left out: 0-1')
  })
})

/** Thinks, speaks, and calls twice. */
function calls(): Script {
  const call = (index: number, more: object) => ({ toolCalls: [{ index, ...more }] }) as FakePart
  return {
    tokens: [
      { reasoning: 'Let me ' },
      { reasoning: 'see.' },
      'I look.',
      call(0, { id: 'a', name: 'get_weather', arguments: '{"city":' }),
      call(0, { arguments: '"Rome"}' }),
      call(1, { id: 'b', name: 'get_time', arguments: '' }),
    ],
    end: 'tool_calls',
  }
}

const wholeCalls = [
  { id: 'a', function: { index: 0, name: 'get_weather', arguments: { city: 'Rome' } } },
  { id: 'b', function: { index: 1, name: 'get_time', arguments: {} } },
]
const weather = {
  type: 'function',
  function: { name: 'get_weather', parameters: { type: 'object', properties: {} } },
}

describe(wireCheck(77), () => {
  test('calls are told whole, each in one line, with its arguments as an object', async () => {
    const { response } = await chat({ tools: [weather] }, { script: calls })
    const lines = linesOf(await response.text())
    const said = lines.map(({ message }) => message)
    expect(said.map((one) => one?.thinking ?? '').join('')).toBe('Let me see.')
    expect(said.map((one) => one?.content).join('')).toBe('I look.')
    expect(said.flatMap((one) => one?.tool_calls ?? [])).toEqual(wholeCalls)
    expect(said.filter((one) => one?.tool_calls !== undefined)).toHaveLength(2)
    expect(lines.at(-1)).toMatchObject({ done: true, done_reason: 'stop' })
  })

  test('calls and thoughts are in one message where it is not streamed', async () => {
    const { body } = await whole({ tools: [weather] }, { script: calls })
    expect(body.message).toEqual({
      role: 'assistant',
      content: 'I look.',
      thinking: 'Let me see.',
      tool_calls: wholeCalls,
    })
  })

  test('a call that was cut is not told: it could not be run', async () => {
    const script = () => ({ tokens: [...calls().tokens].slice(0, 4), end: 'length' as const })
    const { response } = await chat({ tools: [weather] }, { script })
    const lines = linesOf(await response.text())
    expect(lines.flatMap(({ message }) => message?.tool_calls ?? [])).toEqual([])
    expect(lines.at(-1)).toMatchObject({ done_reason: 'length' })
    const { body } = await whole({ tools: [weather] }, { script })
    expect(body.message?.tool_calls).toBeUndefined()
  })
})

describe('logprobs of a chat of Ollama', () => {
  const entry = { id: 5, bytes: tokenBytes('Hi'), logprob: -0.5 }
  const top = [{ ...entry, bytes: tokenBytes('Ho'), logprob: Number.NEGATIVE_INFINITY }]
  const script = () => ({ tokens: [{ text: 'Hi', logprobs: [{ ...entry, top }] } as FakePart] })
  const told = {
    token: 'Hi',
    logprob: -0.5,
    bytes: [72, 105],
    top_logprobs: [{ token: 'Ho', logprob: -9999, bytes: [72, 111] }],
  }

  test('come with each piece, with as many alternatives as were asked for', async () => {
    const more = { logprobs: true, top_logprobs: 1 }
    const { response, native } = await chat(more, { script })
    expect(linesOf(await response.text())[0]?.logprobs).toEqual([told])
    expect(native.submitted[0]?.logprobs).toBe(1)
    const { body } = await whole(more, { script })
    expect(body.logprobs).toEqual([told])
  })
})
