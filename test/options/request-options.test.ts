import { describe, expect, test } from 'vitest'
import { InvalidOptionError } from '../../src/api/errors.js'
import { parseChatOptions } from '../../src/options/chat-options.js'
import { parseCompletionPrompt, parseText } from '../../src/options/request-options.js'

function refusal(parse: () => unknown): { option: string; message: string } {
  try {
    parse()
  } catch (error) {
    if (error instanceof InvalidOptionError) return { option: error.option, message: error.message }
    throw error
  }
  throw new Error('nothing was thrown')
}

describe('options of a request', () => {
  test('pass at both ends of their range', () => {
    const signal = new AbortController().signal
    const low = {
      temperature: 0,
      topP: 0,
      topK: 0,
      minP: 0,
      repeatPenalty: 0.01,
      repeatLastN: -1,
      frequencyPenalty: -2,
      presencePenalty: -2,
      seed: Number.MIN_SAFE_INTEGER,
      maxTokens: 1,
      stop: '',
      logitBias: { 0: -100 },
      ignoreEos: false,
      cacheSalt: 'x',
      logprobs: 0,
      n: 1,
      signal,
    }
    const high = {
      temperature: 100,
      topP: 1,
      topK: 2 ** 31 - 1,
      minP: 1,
      repeatPenalty: 10,
      repeatLastN: 2 ** 31 - 1,
      frequencyPenalty: 2,
      presencePenalty: 2,
      seed: Number.MAX_SAFE_INTEGER,
      maxTokens: 2 ** 31 - 1,
      stop: [...Array.from({ length: 15 }, () => 'é'.repeat(128)), ''],
      logitBias: { 2147483647: 100 },
      ignoreEos: true,
      cacheSalt: 'x'.repeat(256),
      logprobs: 20,
      n: 256,
      signal,
    }
    expect(parseChatOptions(low)).toEqual(low)
    expect(parseChatOptions(high)).toEqual(high)
  })

  test.each([
    ['temperature', -0.1],
    ['temperature', 100.1],
    ['temperature', Number.NaN],
    ['temperature', '0.5'],
    ['temperature', null],
    ['topP', 1.01],
    ['topK', 1.5],
    ['topK', -2],
    ['minP', Number.POSITIVE_INFINITY],
    ['repeatPenalty', 0],
    ['repeatPenalty', 10.1],
    ['repeatLastN', -2],
    ['frequencyPenalty', 2.5],
    ['presencePenalty', -2.5],
    ['seed', 2 ** 53],
    ['seed', 0.5],
    ['maxTokens', -1],
    ['maxTokens', 2 ** 31],
    ['stop', 'é'.repeat(129)],
    ['stop', Array.from({ length: 17 }, () => 'x')],
    ['stop', ['x', 1]],
    ['logitBias', { '-1': 1 }],
    ['logitBias', { 1: 101 }],
    ['logitBias', { 2147483648: 1 }],
    ['logitBias', Object.fromEntries(Array.from({ length: 1025 }, (_, i) => [i, 1]))],
    ['logitBias', [[1, 2]]],
    ['ignoreEos', 1],
    ['cacheSalt', ''],
    ['cacheSalt', 'x'.repeat(257)],
    ['cacheSalt', 7],
    ['logprobs', -1],
    ['logprobs', 21],
    ['logprobs', 0.5],
    ['logprobs', true],
    ['n', 0],
    ['n', 257],
    ['n', 1.5],
    ['n', 1e9],
    ['signal', {}],
  ])('are refused by their name: %s of %j', (name, value) => {
    const { option, message } = refusal(() => parseChatOptions({ [name]: value }))
    expect(option).toBe(name)
    expect(message).toMatch(new RegExp(`^'${name}': expected .+, but got .+\\.$`))
  })

  test('count as left out where they are undefined', () => {
    expect(parseChatOptions({ temperature: undefined, seed: 3 })).toEqual({ seed: 3 })
  })

  test('are refused where they are misspelt, with the names there are', () => {
    const { option, message } = refusal(() => parseChatOptions({ maxToken: 5 }))
    expect(option).toBe('maxToken')
    expect(message).toContain('maxTokens')
  })

  test('are none of a prototype’s names', () => {
    expect(refusal(() => parseChatOptions({ constructor: 1 })).option).toBe('constructor')
    const polluting = JSON.parse('{"__proto__": {"temperature": 1}}')
    expect(refusal(() => parseChatOptions(polluting)).option).toBe('__proto__')
  })

  test.each([null, 'x', 7, [], undefined])('are refused where %j is in their place', (input) => {
    expect(refusal(() => parseChatOptions(input)).message).toContain('expected an object')
  })

  test('are shown in part where their value is long', () => {
    const { message } = refusal(() => parseChatOptions({ seed: 'x'.repeat(10_000) }))
    expect(message.length).toBeLessThan(200)
  })
})

test('a text is a string, the empty one too', () => {
  expect(parseText('')).toBe('')
  expect(refusal(() => parseText(['x'])).option).toBe('text')
})

test('token ids are of the vocabulary, and the first that is not is named by its place', () => {
  const ids = Array.from({ length: 300_000 }, (_, i) => i % 10)
  expect(parseCompletionPrompt(ids, 10)).toEqual(Int32Array.from(ids))
  for (const wrong of [10, -1, 1.5, '1', null, undefined, Number.NaN]) {
    const { option } = refusal(() => parseCompletionPrompt([...ids.slice(0, 17), wrong, -1], 10))
    expect(option).toBe('prompt[17]')
  }
  expect(refusal(() => parseCompletionPrompt(Int32Array.of(3, 10), 10)).option).toBe('prompt[1]')
})

test.each([
  [{ grammar: 'root ::= "a"', json: true }, 'json'],
  [{ grammar: 'root ::= "a"', schema: {} }, 'schema'],
  [{ schema: {}, json: true }, 'json'],
  [{ schema: [] }, 'schema'],
  [{ schema: 'x' }, 'schema'],
  [{ json: 1 }, 'json'],
  [{ grammar: '' }, 'grammar'],
  [{ grammar: 'x'.repeat(65_537) }, 'grammar'],
])('a reply has one form at most, and a right one: %j is refused by %s', (options, option) => {
  expect(() => parseChatOptions(options)).toThrow(expect.objectContaining({ option }))
})

test('a form leaves thoughts and tools as they are', () => {
  const tools = [{ name: 'f', parameters: {} }]
  const options = { json: true, reasoning: { enabled: true, effort: 'low' }, tools }
  expect(parseChatOptions(options)).toEqual(options)
  expect(parseChatOptions({ json: true })).toEqual({ json: true })
})
