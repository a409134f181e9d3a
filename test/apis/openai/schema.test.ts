import { describe, expect, test } from 'vitest'
import { chatRequest, requestOptions } from '../../../src/apis/openai/chat/schema.js'
import { parseRequest } from '../../../src/apis/request.js'
import { HttpError } from '../../../src/web/errors.js'
import { cpuMsOf } from '../../support/processor/cpu-time.js'
import { wireCheck } from '../../support/wire/checks.mjs'

const messages = [{ role: 'user', content: 'hi' }]

const parse = (more: object) => parseRequest(chatRequest, { model: 'default', messages, ...more })

function refusal(value: unknown): HttpError {
  try {
    parseRequest(chatRequest, value)
  } catch (error) {
    if (error instanceof HttpError) return error
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

describe(wireCheck(19), () => {
  test('every nullable option accepts null, and null reads as left out', () => {
    const nulls = Object.fromEntries(nullable.map((name) => [name, null]))
    expect(requestOptions(parse(nulls), undefined)).toEqual({})
    expect(parse(nulls).stream).toBe(false)
  })
})

test('a field that a request leaves open is left to the engine', () => {
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
  ['temperature', [0, 2, 100], [-0.1, 100.1, '1', Number.POSITIVE_INFINITY, Number.NaN]],
  ['top_p', [0, 1], [-0.1, 1.1]],
  ['frequency_penalty', [-2, 2], [-2.1, 2.1]],
  ['presence_penalty', [-2, 2], [-2.1, 2.1]],
  ['max_tokens', [1, 0, -1, 10.0, 2 ** 31 - 1], [-2, 1.5, 2 ** 31]],
  ['max_completion_tokens', [1, 0, -1, 2 ** 31 - 1], [-2, 1.5, 2 ** 31]],
  ['top_k', [0, 40, -1], [-2, 1.5]],
  ['min_p', [0, 1], [-0.1, 1.1]],
  ['repeat_penalty', [0.1, 10], [0, 10.1]],
  ['seed', [-(2 ** 63), 2 ** 63, 0], [1.5, 2 ** 64, '7']],
  ['stop', ['x', '', ['x', ''], ['1', '2', '3', '4', '5'], []], [[1], 1, {}]],
  ['stop', [Array.from({ length: 16 }, String)], [Array.from({ length: 17 }, String)]],
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
  [
    'chat_template_kwargs',
    [{}, { enable_thinking: false }, { x: 1 }],
    [{ enable_thinking: 1 }, 'x'],
  ],
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
      { type: 'json_schema', json_schema: { name: 'a' } },
      { type: 'json_schema', json_schema: { name: 'a', schema: [] } },
      { type: 'json_schema', json_schema: { name: 'a', schema: true } },
      { type: 'xml' },
      'xml',
      [],
    ],
  ],
  ['logprobs', [false, true], [1, 'true']],
  ['top_logprobs', [0], [1, 20, 21, -1, 0.5]],
  ['modalities', [['text']], [['text', 'audio'], 'text']],
  ['verbosity', ['low', 'medium', 'high'], ['talkative', 1]],
  ['grammar', ['', 'root ::= "a"'], [7, {}, 'x'.repeat(65_537), 'ä'.repeat(40_000)]],
  ['json_schema', [{}, { type: 'object' }], [[], 'x', 7]],
  ['metadata', [{ a: 'b' }, null], []],
  ['cache_prompt', [true, false], []],
  ['some_unknown_key', [1, 'x', [[]]], []],
])('%s takes %j and refuses %j by its name', (name, good, bad) => {
  for (const value of good) expect(() => parse({ [name]: value })).not.toThrow()
  for (const value of bad) {
    const error = refusal({ model: 'default', messages, [name]: value })
    expect(error).toMatchObject({ status: 400, kind: 'invalid_request' })
    expect(error.field?.startsWith(name)).toBe(true)
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
  expect(refusal({ model: 'default', messages, ...options }).field).toBe('stream_options')
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

describe('a message that other clients write is read', () => {
  const called = { name: 'get_weather', arguments: '{"city": "Par' }
  const call = { id: 'toolu_01-A', type: 'function', function: called }
  const read = (message: object) => parse({ messages: [message] }).messages[0]

  test.each([
    ['a cut call', { tool_calls: [call] }, [{ id: 'toolu_01-A', ...called }]],
    ['no type and no id', { tool_calls: [{ function: called }] }, [called]],
    [
      'an object of arguments',
      { tool_calls: [{ ...call, function: { name: 'x', arguments: { a: [1] } } }] },
      [{ id: 'toolu_01-A', name: 'x', arguments: '{"a":[1]}' }],
    ],
    [
      'no arguments',
      { tool_calls: [{ id: '1', function: { name: 'x' } }] },
      [{ id: '1', name: 'x', arguments: '{}' }],
    ],
    [
      'arguments too deep for templates',
      { tool_calls: [{ function: { name: 'x', arguments: '['.repeat(99) } }] },
      [{ name: 'x', arguments: '['.repeat(99) }],
    ],
    ['a function call of old', { content: null, function_call: called }, [called]],
    [
      'a call of a tool that is no function',
      { tool_calls: [{ id: '1', type: 'custom', custom: { name: 'sh', input: 'ls' } }] },
      [{ id: '1', name: 'sh', arguments: '{"input":"ls"}' }],
    ],
    ['an empty list of calls', { tool_calls: [], function_call: null }, undefined],
  ])('with %s', (_, message, toolCalls) => {
    const parsed = read({ role: 'assistant', ...message })
    expect(parsed?.toolCalls).toEqual(toolCalls)
    expect(parsed?.content).toBe('')
  })

  test.each([
    ['null', null, ''],
    ['nothing', undefined, ''],
    ['an empty array', [], ''],
    ['an object', { celsius: 7 }, '{"celsius":7}'],
    ['a number', 7, '7'],
    ['parts', [{ type: 'output_text', text: 'rain' }], 'rain'],
  ])('with a tool that answers %s', (_, content, text) => {
    expect(read({ role: 'tool', tool_call_id: '1', content })).toEqual({
      role: 'tool',
      content: text,
      toolCallId: '1',
    })
  })

  test('with a tool without an id, and by the role it had before', () => {
    expect(read({ role: 'tool', content: 'x' })).toEqual({ role: 'tool', content: 'x' })
    const old = { role: 'function', name: 'get_weather', content: 'rain' }
    expect(read(old)).toEqual({ ...old, role: 'tool' })
  })

  test('with thoughts among the parts of an assistant, and by other names', () => {
    const parts = [
      { type: 'thinking', thinking: 'a', signature: 'x' },
      { type: 'thinking', thinking: [{ type: 'text', text: 'b' }] },
      { type: 'reasoning', text: 'c' },
      { type: 'redacted_thinking', data: 'x' },
      { type: 'output_text', text: 'd', annotations: [] },
    ]
    const said = { role: 'assistant', content: 'd', reasoning: 'a\nb\nc' }
    expect(read({ role: 'assistant', content: parts })).toEqual(said)
    expect(read({ role: 'assistant', content: 'd', reasoning: 'a\nb\nc' })).toEqual(said)
    const both = { role: 'assistant', content: 'd', reasoning: {}, reasoning_content: 'a' }
    expect(read(both)).toEqual({ role: 'assistant', content: 'd', reasoning: 'a' })
  })

  test('with fields that say nothing here, and with one part without an array', () => {
    const user = { role: 'user', content: { type: 'input_text', text: 'hi' }, cache_control: {} }
    expect(read({ ...user, id: 'msg_1', annotations: [] })).toEqual({ role: 'user', content: 'hi' })
  })
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
  [[{ role: 'assistant', tool_calls: [{}] }], 'messages[0].tool_calls[0].function'],
  [[{ role: 'assistant', tool_calls: [{ id: 7 }] }], 'messages[0].tool_calls[0].id'],
  [
    [{ role: 'assistant', tool_calls: [{ function: {} }] }],
    'messages[0].tool_calls[0].function.name',
  ],
  [[{ role: 'assistant', function_call: {} }], 'messages[0].function_call.name'],
  [
    [{ role: 'user', content: [{ type: 'input_audio', input_audio: {} }] }],
    'messages[0].content[0].type',
  ],
  [
    [{ role: 'user', content: [{ type: 'thinking', thinking: 'x' }] }],
    'messages[0].content[0].type',
  ],
  [Array(2049).fill(messages[0]), 'messages'],
])('messages %j are refused at %s', (wrong, param) => {
  expect(refusal({ model: 'default', messages: wrong }).field).toBe(param)
})

test('a refusal says what was expected, what came and, where it helps, what to do', () => {
  const say = (more: object) => refusal({ model: 'default', messages, ...more }).message
  expect(say({ top_p: 3 })).toBe("'top_p': expected a number from 0 to 1, but got 3.")
  expect(say({ model: 7 })).toBe(
    `'model': expected the name of a model, such as "default", but got 7.`,
  )
  expect(say({ audio: {} })).toBe(
    "'audio': expected no audio (this server writes text only; leave the field out), " +
      'but got an empty object.',
  )
  expect(say({ stop: ['ok', 'x'.repeat(300)] }).length).toBeLessThan(160)
  expect(refusal(7).message).toBe('Expected a JSON object as the body, but got 7.')
})

test('a body of a million wrong items makes one mistake, not a million', async () => {
  const ones = Array(500_000).fill(1)
  const many = Array(2000).fill({ role: 'user', content: Array(250).fill(1) })
  for (const wrong of [ones, [{ role: 'user', content: ones }], many]) {
    const cpuMs = await cpuMsOf(() => {
      expect(refusal({ model: 'default', messages: wrong }).status).toBe(400)
    })
    expect(cpuMs).toBeLessThan(500)
  }
})

test('the JSON that a tool answers with may be an array', () => {
  const answer = { role: 'tool', tool_call_id: 'a', content: [{ id: 1 }] }
  const user = { role: 'user', content: 'Hi' }
  const { messages } = chatRequest.parse({ model: 'default', messages: [user, answer] })
  expect(messages[1]?.content).toBe('[{"id":1}]')
})

test('a refusal stands for the content of the message', () => {
  const refused = { role: 'assistant', content: null, refusal: 'No.' }
  const { messages: read } = parse({ messages: [...messages, refused] })
  expect(read.map(({ content }) => content)).toEqual(['hi', 'No.'])
})
