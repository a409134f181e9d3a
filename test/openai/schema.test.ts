import { expect, test } from 'vitest'
import { requestOptions } from '../../src/openai/chat/options.js'
import { chatRequest } from '../../src/openai/chat/schema.js'
import { ApiError } from '../../src/openai/errors.js'
import { parseRequest } from '../../src/openai/issues.js'

const messages = [{ role: 'user', content: 'hi' }]

const parse = (more: object) => parseRequest(chatRequest, { model: 'default', messages, ...more })

function refusal(value: unknown): ApiError {
  try {
    parseRequest(chatRequest, value)
  } catch (error) {
    if (error instanceof ApiError) return error
    throw error
  }
  return expect.fail('it was accepted')
}

const nullable = [
  'stream',
  'stream_options',
  'max_completion_tokens',
  'max_tokens',
  'temperature',
  'top_p',
  'frequency_penalty',
  'presence_penalty',
  'stop',
  'seed',
  'logit_bias',
  'top_k',
  'min_p',
  'repeat_penalty',
  'repeat_last_n',
  'ignore_eos',
  'cache_salt',
  'n',
  'tools',
  'tool_choice',
  'parallel_tool_calls',
  'chat_template_kwargs',
  'continue_final_message',
  'functions',
  'function_call',
  'response_format',
  'logprobs',
  'top_logprobs',
  'modalities',
  'audio',
  'reasoning_effort',
  'reasoning_budget_tokens',
  'thinking_budget_tokens',
  'reasoning_budget_message',
  'verbosity',
  'web_search_options',
  'grammar',
  'json_schema',
]

test('19: every nullable option accepts null, and null reads as left out', () => {
  const nulls = Object.fromEntries(nullable.map((name) => [name, null]))
  expect(requestOptions(parse(nulls), undefined)).toEqual({})
  expect(parse(nulls).stream).toBe(false)
})

test('what a request leaves open is left to the engine', () => {
  expect(requestOptions(parse({}), undefined)).toEqual({})
  expect(requestOptions(parse({}), 9)).toEqual({ maxTokens: 9 })
})

test('every field reaches the engine under its own name', () => {
  const request = parse({
    max_tokens: 1,
    temperature: 0,
    top_p: 0.1,
    frequency_penalty: -2,
    presence_penalty: 2,
    stop: 'x',
    seed: -5,
    logit_bias: { 7: -100 },
    top_k: 3,
    min_p: 0.2,
    repeat_penalty: 1.1,
    repeat_last_n: -1,
    ignore_eos: true,
    cache_salt: 'mine',
  })
  expect(requestOptions(request, 9)).toEqual({
    maxTokens: 1,
    temperature: 0,
    topP: 0.1,
    frequencyPenalty: -2,
    presencePenalty: 2,
    stop: ['x'],
    seed: -5,
    logitBias: { 7: -100 },
    topK: 3,
    minP: 0.2,
    repeatPenalty: 1.1,
    repeatLastN: -1,
    ignoreEos: true,
    cacheSalt: 'mine',
  })
})

test.each([
  ['temperature', [0, 2], [-0.1, 2.1, '1', Number.POSITIVE_INFINITY, Number.NaN]],
  ['top_p', [0, 1], [-0.1, 1.1]],
  ['frequency_penalty', [-2, 2], [-2.1, 2.1]],
  ['presence_penalty', [-2, 2], [-2.1, 2.1]],
  ['max_tokens', [1, 2 ** 31 - 1], [0, -1, 1.5, 2 ** 31]],
  ['max_completion_tokens', [1, 2 ** 31 - 1], [0, -1, 1.5, 2 ** 31]],
  ['top_k', [0, 40], [-1, 1.5]],
  ['min_p', [0, 1], [-0.1, 1.1]],
  ['repeat_penalty', [0.1, 10], [0, 10.1]],
  ['seed', [-(2 ** 63), 2 ** 63, 0], [1.5, 2 ** 64, '7']],
  ['stop', ['x', ['x'], ['1', '2', '3', '4'], []], ['', ['1', '2', '3', '4', '5'], [1], 1]],
  ['stop', ['x'.repeat(256), 'é'.repeat(128)], ['x'.repeat(257), 'é'.repeat(129)]],
  [
    'logit_bias',
    [{}, { 0: 100, 31999: -100 }],
    [[], { a: 1 }, { '-1': 1 }, { 1: 101 }, { 1: '1' }],
  ],
  ['stream', [true, false], ['true', 1]],
  ['ignore_eos', [true, false], ['true', 1]],
  ['cache_salt', ['x', 'x'.repeat(256)], ['', 'x'.repeat(257), 7]],
  ['n', [1, 128], [0, 129, '1', 1.5]],
  ['tools', [[], [{ type: 'function', function: { name: 'x' } }]], [[{}], {}]],
  ['tool_choice', ['none', 'auto', 'required', 'any'], ['', {}]],
  ['parallel_tool_calls', [true, false], ['no']],
  ['reasoning_effort', ['none', 'high'], ['very high', 1]],
  ['reasoning_budget_tokens', [-1, 0, 2 ** 31 - 1], [-2, 0.5, 2 ** 31, '1', true]],
  ['thinking_budget_tokens', [-1, 0, 2 ** 31 - 1], [-2, 0.5, 2 ** 31, '1', true]],
  ['reasoning_budget_message', ['', 'é'.repeat(512)], ['é'.repeat(513), 1]],
  ['chat_template_kwargs', [{}, { enable_thinking: false }], [{ x: 1 }, 'x']],
  ['continue_final_message', [true, false], ['yes']],
  [
    'response_format',
    [
      { type: 'text' },
      { type: 'json_object' },
      { type: 'json_object', schema: { type: 'object' } },
      { type: 'json_schema', json_schema: { name: 'a-B_9', schema: {}, strict: null } },
    ],
    [
      { type: 'json_schema' },
      { type: 'json_schema', json_schema: { name: 'a' } },
      { type: 'json_schema', json_schema: { name: 'a b', schema: {} } },
      { type: 'json_schema', json_schema: { name: 'a'.repeat(65), schema: {} } },
      { type: 'json_schema', json_schema: { name: 'a', schema: [] } },
      { type: 'json_schema', json_schema: { name: 'a', schema: true } },
      { type: 'json_schema', json_schema: { name: 'a', schema: {}, strict: 'yes' } },
      { type: 'xml' },
      'text',
      [],
    ],
  ],
  ['logprobs', [false, true], [1, 'true']],
  ['top_logprobs', [0], [1, 20, 21, -1, 0.5]],
  ['modalities', [['text']], [['text', 'audio'], 'text']],
  ['verbosity', ['medium'], ['low', 'high']],
  ['grammar', ['', 'root ::= "a"'], [7, {}, 'x'.repeat(65_537), 'ä'.repeat(40_000)]],
  ['json_schema', [{}, { type: 'object' }], [[], 'x', 7]],
  ['metadata', [{ a: 'b' }, null], []],
  ['cache_prompt', [true, false], []],
  ['some_unknown_key', [1, 'x', [[]]], []],
])('%s takes %j and refuses %j by its name', (name, good, bad) => {
  for (const value of good) expect(() => parse({ [name]: value })).not.toThrow()
  for (const value of bad) {
    const error = refusal({ model: 'default', messages, [name]: value })
    expect(error).toMatchObject({ status: 400, type: 'invalid_request_error' })
    expect(error.param?.startsWith(name)).toBe(true)
  }
})

test('a seed that a double cannot hold exactly is folded to 32 bits, a smaller one kept', () => {
  expect(parse({ seed: 2 ** 53 - 1 }).seed).toBe(2 ** 53 - 1)
  expect(parse({ seed: 2 ** 60 + 2 ** 20 }).seed).toBe(2 ** 20)
})

test('max_completion_tokens goes before its old name', () => {
  const request = parse({ max_tokens: 1, max_completion_tokens: 2 })
  expect(requestOptions(request, undefined).maxTokens).toBe(2)
})

test('logprobs are asked for with their alternatives, or without, or not at all', () => {
  const told = (more: object) => requestOptions(parse(more), undefined)
  expect(told({ logprobs: true, top_logprobs: 20 })).toEqual({ logprobs: 20 })
  expect(told({ logprobs: true })).toEqual({ logprobs: 0 })
  expect(told({ logprobs: false, top_logprobs: 0 })).toEqual({})
  expect(told({ n: 3 })).toEqual({ n: 3 })
})

test('stream_options belong to a stream', () => {
  const options = { stream_options: { include_usage: true } }
  expect(parse({ stream: true, ...options }).stream_options).toEqual({ include_usage: true })
  expect(refusal({ model: 'default', messages, ...options }).param).toBe('stream_options')
})

test('text parts are joined by line breaks; an assistant may have said nothing', () => {
  const parts = [
    { type: 'text', text: 'a' },
    { type: 'text', text: 'b' },
  ]
  const request = parse({
    messages: [
      { role: 'developer', content: 'c', name: 'x' },
      { role: 'user', content: parts },
      { role: 'assistant', content: null },
      { role: 'assistant', content: [{ type: 'refusal', refusal: 'no' }] },
      { role: 'tool', content: 'd', tool_call_id: '1' },
    ],
  })
  expect(request.messages.map(({ content }) => content)).toEqual(['c', 'a\nb', '', 'no', 'd'])
})

test.each([
  [[], 'messages'],
  ['hi', 'messages'],
  [['hi'], 'messages[0]'],
  [[{ role: 'bot', content: '' }], 'messages[0].role'],
  [[{ content: '' }], 'messages[0].role'],
  [[{ role: 'user' }], 'messages[0].content'],
  [[{ role: 'user', content: null }], 'messages[0].content'],
  [[{ role: 'user', content: 7 }], 'messages[0].content'],
  [
    [...messages, { role: 'user', content: [{ type: 'image_url' }] }],
    'messages[1].content[0].type',
  ],
  [[{ role: 'user', content: [{ type: 'text' }] }], 'messages[0].content[0].text'],
  [[{ role: 'user', content: [{ type: 'text', text: 'a' }, null] }], 'messages[0].content[1]'],
  [[{ role: 'user', content: ['a'] }], 'messages[0].content[0]'],
  [[{ role: 'user', content: [{ type: 'refusal' }] }], 'messages[0].content[0].refusal'],
  [[{ role: 'user', content: Array(1025).fill({}) }], 'messages[0].content'],
  [[{ role: 'assistant', tool_calls: [{}] }], 'messages[0].tool_calls[0].id'],
  [Array(2049).fill(messages[0]), 'messages'],
])('messages %j are refused at %s', (wrong, param) => {
  expect(refusal({ model: 'default', messages: wrong }).param).toBe(param)
})

test('a refusal says what was expected, what came and, where it helps, what to do', () => {
  const say = (more: object) => refusal({ model: 'default', messages, ...more }).message
  expect(say({ temperature: 3 })).toBe("'temperature': expected a number from 0 to 2, but got 3.")
  expect(say({ model: undefined })).toBe(
    `'model': expected the name of a model, such as "default", but got nothing.`,
  )
  expect(say({ audio: {} })).toBe(
    "'audio': expected no audio (this server writes text only; leave the field out), " +
      'but got an object.',
  )
  expect(say({ stop: ['ok', 'x'.repeat(300)] }).length).toBeLessThan(160)
  expect(refusal(7).message).toBe('Expected a JSON object as the body, but got 7.')
})

test('a body of a million wrong items makes one mistake, not a million', () => {
  const ones = Array(500_000).fill(1)
  const many = Array(2000).fill({ role: 'user', content: Array(250).fill(1) })
  for (const wrong of [ones, [{ role: 'user', content: ones }], many]) {
    const startedAt = performance.now()
    expect(refusal({ model: 'default', messages: wrong }).status).toBe(400)
    expect(performance.now() - startedAt).toBeLessThan(500)
  }
})
