import { expect, test } from 'vitest'
import { logLine } from '../../src/cli/log-line.js'

const entry = {
  requestId: 'req-1',
  method: 'POST',
  route: '/v1/chat/completions',
  status: 200,
  outcome: 'done' as const,
  code: undefined,
  durationMs: 123.4,
  promptTokens: 12,
  completionTokens: 34,
  error: undefined,
}
const now = new Date('2026-01-02T03:04:05.678Z')

test('a request is one line', () => {
  expect(logLine(entry, now)).toBe(
    '2026-01-02T03:04:05.678Z POST /v1/chat/completions 200 done 123 ms 12+34 tokens req-1\n',
  )
})

test('a failed request has its code; one without a route or tokens has neither', () => {
  const failed = {
    ...entry,
    route: undefined,
    status: 404,
    outcome: 'failed' as const,
    code: 'route_not_found',
    promptTokens: undefined,
    completionTokens: undefined,
  }
  expect(logLine(failed, now)).toBe(
    '2026-01-02T03:04:05.678Z POST - 404 failed route_not_found 123 ms req-1\n',
  )
})

test('a fault of the server itself is logged with its calls, and without its message', () => {
  const error = Object.assign(new TypeError('the prompt said: Tell me a story'), { code: 'E_BUG' })
  const line = logLine({ ...entry, status: 500, error }, now)
  expect(line).toMatch(/req-1\nTypeError \(E_BUG\)\n {4}at .*log-line\.test\.ts/)
  expect(line.endsWith('\n')).toBe(true)
  expect(line).not.toMatch(/story|prompt said/)
})
