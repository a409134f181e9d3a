import { expect, test } from 'vitest'
import {
  BinaryMissingError,
  ClosedError,
  ContextLengthError,
  EngineFailedError,
  InvalidOptionError,
  InvalidRequestError,
  OverloadedError,
  QueueTimeoutError,
} from '../../src/api/errors.js'
import { ApiError, type ErrorKind, toApiError } from '../../src/openai/errors.js'

test.each([
  [new ContextLengthError('m', 9, 8), 400, 'invalid_request_error', 'context_length_exceeded'],
  [new InvalidRequestError('m'), 400, 'invalid_request_error', null],
  [new OverloadedError('m'), 429, 'rate_limit_error', 'queue_full'],
  [new QueueTimeoutError('m'), 503, 'server_error', 'queue_timeout'],
  [new ClosedError('m'), 503, 'server_error', 'shutting_down'],
  [new EngineFailedError('m'), 500, 'server_error', 'engine_failed'],
  [new BinaryMissingError('m'), 500, 'server_error', 'engine_failed'],
])('%s is a %d %s with code %s', (error, status, type, code) => {
  const wire = toApiError(error)
  expect(wire).toMatchObject({ status, type, code, message: 'm' })
  expect(Object.keys(wire.body().error).sort()).toEqual(['code', 'message', 'param', 'type'])
})

test("an option's name is told as the wire spells it", () => {
  expect(toApiError(new InvalidOptionError('topP', 'm')).param).toBe('top_p')
  expect(toApiError(new InvalidOptionError('messages[0].role', 'm')).param).toBe('messages[0].role')
})

test('what is not known shows nothing of its inside, but keeps its cause', () => {
  const inside = new TypeError('cannot read the secret')
  const wire = toApiError(inside)
  expect(wire).toMatchObject({ status: 500, code: 'internal_error', cause: inside })
  expect(JSON.stringify(wire.body())).not.toContain('secret')
})

test('whoever may come again is told when, and within the 60 s that clients honour', () => {
  const again: ErrorKind[] = ['queue_full', 'loading', 'shutting_down', 'queue_timeout']
  for (const kind of again) {
    const { retryAfterSeconds } = new ApiError(kind, 'm')
    expect(retryAfterSeconds).toBeGreaterThanOrEqual(1)
    expect(retryAfterSeconds).toBeLessThanOrEqual(60)
  }
  expect(new ApiError('model', 'm').retryAfterSeconds).toBeUndefined()
})
