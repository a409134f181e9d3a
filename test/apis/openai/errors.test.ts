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
} from '../../../src/api/errors.js'
import { errorBody, errorWords } from '../../../src/apis/openai/errors.js'
import { type ErrorKind, HttpError, httpError } from '../../../src/web/errors.js'

const told = (thrown: unknown) => errorBody(errorWords().named(httpError(thrown))).error

test.each([
  [new ContextLengthError('m', 9, 8), 400, 'invalid_request_error', 'context_length_exceeded'],
  [new InvalidRequestError('m'), 400, 'invalid_request_error', null],
  [new OverloadedError('m'), 429, 'rate_limit_error', 'queue_full'],
  [new QueueTimeoutError('m'), 503, 'server_error', 'queue_timeout'],
  [new ClosedError('m'), 503, 'server_error', 'shutting_down'],
  [new EngineFailedError('m'), 500, 'server_error', 'engine_failed'],
  [new BinaryMissingError('m'), 500, 'server_error', 'engine_failed'],
])('%s is a %d %s with code %s', (error, status, type, code) => {
  const wire = told(error)
  expect(httpError(error).status).toBe(status)
  expect(wire).toMatchObject({ type, code, message: 'm' })
  expect(Object.keys(wire).sort()).toEqual(['code', 'message', 'param', 'type'])
})

test("an option's name is told as the wire spells it", () => {
  expect(told(new InvalidOptionError('topP', 'm')).param).toBe('top_p')
  expect(told(new InvalidOptionError('messages[0].role', 'm')).param).toBe('messages[0].role')
})

test('an error that is not known shows nothing of its inside, but keeps its cause', () => {
  const inside = new TypeError('cannot read the secret')
  expect(httpError(inside)).toMatchObject({ status: 500, code: 'internal_error', cause: inside })
  expect(JSON.stringify(told(inside))).not.toContain('secret')
})

test('a client that may come again is told when, and within the 60 s that clients honour', () => {
  const again: ErrorKind[] = ['queue_full', 'loading', 'shutting_down', 'queue_timeout']
  for (const kind of again) {
    const { retryAfterSeconds } = new HttpError(kind, 'm')
    expect(retryAfterSeconds).toBeGreaterThanOrEqual(1)
    expect(retryAfterSeconds).toBeLessThanOrEqual(60)
  }
  expect(new HttpError('model', 'm').retryAfterSeconds).toBeUndefined()
})
