import { describe, expect, test } from 'vitest'
import { ContextLengthError, InvalidOptionError } from '../../../src/api/errors.js'
import { errorFrame, errorWords } from '../../../src/apis/anthropic/errors.js'
import { errorKinds, HttpError, httpError } from '../../../src/web/errors.js'
import { wireCheck } from '../../support/wire/checks.mjs'

const told = (kind: (typeof errorKinds)[number]) => {
  const error = new HttpError(kind, 'm')
  const { error: body } = errorWords.body(error, 'req_1') as { error: { type: string } }
  return [errorWords.status?.(error), body.type]
}

describe(wireCheck(56), () => {
  test.each([
    ['invalid_request', 400, 'invalid_request_error'],
    ['invalid_key', 401, 'authentication_error'],
    ['host', 403, 'permission_error'],
    ['model', 404, 'not_found_error'],
    ['route', 404, 'not_found_error'],
    ['body_size', 413, 'request_too_large'],
    ['queue_full', 429, 'rate_limit_error'],
    ['internal', 500, 'api_error'],
    ['loading', 529, 'overloaded_error'],
    ['queue_timeout', 529, 'overloaded_error'],
  ] as const)('%s is a %i of type %s', (kind, status, type) => {
    expect(told(kind)).toEqual([status, type])
  })

  test('a status is that of its type', () => {
    const own: Record<string, number[]> = {
      authentication_error: [401],
      permission_error: [403],
      not_found_error: [404],
      request_too_large: [413],
      rate_limit_error: [429],
      overloaded_error: [529],
    }
    for (const [status = 0, type = ''] of errorKinds.map(told) as [number, string][]) {
      if (own[type] === undefined) expect(Object.values(own).flat()).not.toContain(status)
      else expect(own[type]).toContain(status)
    }
  })

  test('an error says its type twice over, and whose it is', () => {
    const body = { type: 'error', error: { type: 'api_error', message: 'm' }, request_id: 'req_1' }
    const error = new HttpError('engine_failed', 'm')
    expect(errorWords.body(error, 'req_1')).toEqual(body)
    expect(errorFrame(error, 'req_1')).toBe(`event: error\ndata: ${JSON.stringify(body)}\n\n`)
  })
})

describe(wireCheck(63), () => {
  test.each([
    [9000, 2048, 'prompt is too long: 9000 tokens > 2048 maximum'],
    [2048, 2048, 'prompt is too long: 2048 tokens > 2047 maximum'],
  ])('a prompt of %i in a context of %i is too long in the words of Anthropic', (...given) => {
    const [prompt, context, message] = given
    const error = httpError(new ContextLengthError('too long', prompt, context))
    expect(errorWords.named(error)).toMatchObject({ message, field: 'messages', status: 400 })
  })
})

test.each([
  ['maxTokens', 'max_tokens'],
  ['stop', 'stop_sequences'],
  ['reasoning.budget', 'thinking.budget_tokens'],
  ['seed', 'seed'],
])("the engine's %s is %s in a request", (option, field) => {
  const error = httpError(new InvalidOptionError(option, `'${option}': expected another`))
  expect(errorWords.named(error)).toMatchObject({ field, message: `'${field}': expected another` })
})
