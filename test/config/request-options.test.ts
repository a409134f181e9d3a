import { describe, expect, test } from 'vitest'
import {
  parseMessages,
  parsePrompt,
  parseRequestOptions,
} from '../../src/config/request-options.js'
import { InvalidOptionError } from '../../src/engine/errors.js'

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
  test('every option passes at both ends of its range', () => {
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
      stop: 'x',
      logitBias: { 0: -100 },
      ignoreEos: false,
      cacheSalt: 'x',
      logprobs: 0,
      n: 1,
      signal,
    }
    const high = {
      temperature: 2,
      topP: 1,
      topK: 2 ** 31 - 1,
      minP: 1,
      repeatPenalty: 10,
      repeatLastN: 2 ** 31 - 1,
      frequencyPenalty: 2,
      presencePenalty: 2,
      seed: Number.MAX_SAFE_INTEGER,
      maxTokens: 2 ** 31 - 1,
      stop: Array.from({ length: 16 }, () => 'é'.repeat(128)),
      logitBias: { 2147483647: 100 },
      ignoreEos: true,
      cacheSalt: 'x'.repeat(256),
      logprobs: 20,
      n: 256,
      signal,
    }
    expect(parseRequestOptions(low)).toEqual(low)
    expect(parseRequestOptions(high)).toEqual(high)
  })

  test.each([
    ['temperature', -0.1],
    ['temperature', 2.1],
    ['temperature', Number.NaN],
    ['temperature', '0.5'],
    ['temperature', null],
    ['topP', 1.01],
    ['topK', 1.5],
    ['topK', -1],
    ['minP', Number.POSITIVE_INFINITY],
    ['repeatPenalty', 0],
    ['repeatPenalty', 10.1],
    ['repeatLastN', -2],
    ['frequencyPenalty', 2.5],
    ['presencePenalty', -2.5],
    ['seed', 2 ** 53],
    ['seed', 0.5],
    ['maxTokens', 0],
    ['maxTokens', 2 ** 31],
    ['stop', ''],
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
  ])('%s of %j is refused by its name', (name, value) => {
    const { option, message } = refusal(() => parseRequestOptions({ [name]: value }))
    expect(option).toBe(name)
    expect(message).toMatch(new RegExp(`^'${name}': expected .+, but got .+\\.$`))
  })

  test('an option that is undefined counts as left out', () => {
    expect(parseRequestOptions({ temperature: undefined, seed: 3 })).toEqual({ seed: 3 })
  })

  test('a misspelt option is refused, with the names there are', () => {
    const { option, message } = refusal(() => parseRequestOptions({ maxToken: 5 }))
    expect(option).toBe('maxToken')
    expect(message).toContain('maxTokens')
  })

  test('a prototype’s names are no options', () => {
    expect(refusal(() => parseRequestOptions({ constructor: 1 })).option).toBe('constructor')
    const polluting = JSON.parse('{"__proto__": {"temperature": 1}}')
    expect(refusal(() => parseRequestOptions(polluting)).option).toBe('__proto__')
  })

  test.each([null, 'x', 7, [], undefined])('%j in the place of options is refused', (input) => {
    expect(refusal(() => parseRequestOptions(input)).message).toContain('expected an object')
  })

  test('a long value is shown in part', () => {
    const { message } = refusal(() => parseRequestOptions({ seed: 'x'.repeat(10_000) }))
    expect(message.length).toBeLessThan(200)
  })
})

describe('messages', () => {
  test('developer is what templates call system, the others stay', () => {
    const roles = ['system', 'developer', 'user', 'assistant', 'tool']
    const parsed = parseMessages(roles.map((role) => ({ role, content: role })))
    expect(parsed.map(({ role }) => role)).toEqual([
      'system',
      'system',
      'user',
      'assistant',
      'tool',
    ])
    expect(parsed.map(({ content }) => content)).toEqual(roles)
  })

  test.each([
    ['messages', []],
    ['messages', 'hello'],
    ['messages', undefined],
    ['messages[0]', ['hello']],
    ['messages[0].role', [{ role: 'robot', content: '' }]],
    ['messages[0].role', [{ content: 'x' }]],
    ['messages[0].content', [{ role: 'user' }]],
    [
      'messages[1].content',
      [
        { role: 'user', content: 'x' },
        { role: 'user', content: 5 },
      ],
    ],
    ['messages[0].name', [{ role: 'user', content: 'x', name: 'Mia' }]],
  ])('what is wrong is named by its path: %s', (path, messages) => {
    expect(refusal(() => parseMessages(messages)).option).toBe(path)
  })

  test('the conversation given is not changed', () => {
    const given = [{ role: 'developer', content: 'x' }]
    parseMessages(given)
    expect(given).toEqual([{ role: 'developer', content: 'x' }])
  })
})

test('a prompt is a string, the empty one too', () => {
  expect(parsePrompt('')).toBe('')
  expect(refusal(() => parsePrompt(['x'])).option).toBe('prompt')
})
