import { describe, expect, test, vi } from 'vitest'
import { deadlinesOf } from '../../../src/web/deadline.js'
import { piecesOf } from '../../support/adapters/handlers.js'
import { eventually, settle } from '../../support/eventually.js'
import {
  alsoClose,
  chat,
  closeAfterEach,
  counting,
  postJson,
  serve,
  stepUntil,
  story,
} from '../../support/serve.js'

closeAfterEach()

const endless = () => ({ tokens: counting() })

describe('what a request says of its deadline', () => {
  test.each<[headers: Record<string, string>, answer: unknown, forHeaders: unknown]>([
    [{}, undefined, undefined],
    [{ 'x-request-timeout': '30' }, 30_000, undefined],
    [{ 'x-request-timeout': '0.25' }, 250, undefined],
    [{ 'x-request-timeout': '999999999' }, undefined, undefined],
    // Node's SDKs cut 1.9 to 1, and 0.5 to 0.
    [{ 'x-stainless-timeout': '1' }, undefined, 2000],
    [{ 'x-stainless-timeout': '0' }, undefined, 1000],
    [{ 'x-stainless-read-timeout': '2.5' }, undefined, 2500],
    [{ 'x-stainless-timeout': 'soon', 'x-stainless-read-timeout': 'None' }, undefined, undefined],
  ])('%j', (headers, answer, forHeaders) => {
    expect(deadlinesOf(headers)).toEqual({ answer, headers: forHeaders })
  })
})

test.each(['soon', '', '-1', '0', '1e3', '30s'])('%j is no deadline', async (given) => {
  const { url } = await serve()
  const response = await chat(url, story(), { headers: { 'x-request-timeout': given } })
  expect(response.status).toBe(400)
  expect(await response.text()).toContain('Expected the header x-request-timeout as a number')
})

test.each(['/health', '/metrics', '/v1/models', '/engine', '/props'])(
  'GET %s is answered at once, whatever it says of a deadline',
  async (path) => {
    const { url } = await serve()
    const response = await fetch(url + path, { headers: { 'x-request-timeout': 'soon' } })
    expect(response.status).toBe(200)
  },
)

test('a request whose deadline passes in the queue ends there, counted and logged', async () => {
  const { url, engine, native, log } = await serve({
    pace: 'manual',
    script: () => ({ tokens: counting(), prefillSteps: 1_000_000 }),
    engine: { parallel: 1 },
  })
  const running = chat(url, story())
  await stepUntil(native, () => engine.stats().running === 1)
  const late = await chat(url, story({ stream: false }), {
    headers: { 'x-request-timeout': '0.1' },
  })
  expect(late.status).toBe(504)
  expect(await late.json()).toEqual({
    error: {
      message: "The request's deadline of 0.1 s has passed.",
      type: 'timeout_error',
      param: null,
      code: 'deadline_exceeded',
    },
  })
  await stepUntil(native, () => log.length === 1)
  expect(log).toMatchObject([{ status: 504, outcome: 'failed', code: 'deadline_exceeded' }])
  await stepUntil(native, () => engine.stats().queued === 0)
  const metrics = await (await fetch(`${url}/metrics`)).text()
  expect(metrics).toContain('sluice_request_errors_total{code="deadline_exceeded"} 1')
  await (await running).body?.cancel()
})

/** Deadlines pass when the test says so. Without eventually(), whose timers stand as well. */
function stopTimers(): void {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  alsoClose(async () => void vi.useRealTimers())
}

test('a stream whose deadline passes ends with the error, and is cancelled', async () => {
  const { url, native, log } = await serve({ script: endless })
  stopTimers()
  const response = await chat(url, story(), { headers: { 'x-request-timeout': '1' } })
  const pieces = piecesOf(response)
  while (!pieces.text.includes('"0 "')) await pieces.next()
  vi.advanceTimersByTime(1000)
  while ((await pieces.next()) !== '');
  vi.useRealTimers()
  const { text } = pieces
  expect(text).toMatch(/^data: \{"error":.*"code":"deadline_exceeded"\}\}\s*$/m)
  expect(text).not.toContain('[DONE]')
  expect(native.cancelled).toHaveLength(1)
  await eventually(() => log.length === 1, 'it was not told')
  expect(log[0]).toMatchObject({ status: 200, code: 'deadline_exceeded' })
  expect(log[0]?.completionTokens).toBeGreaterThan(0)
})

test('Messages says it in its own shape', async () => {
  const { url } = await serve({ script: endless })
  const messages = [{ role: 'user', content: 'x' }]
  const body = { model: 'default', max_tokens: 1_000_000, messages }
  const headers = { 'anthropic-version': '2023-06-01', 'x-request-timeout': '0.1' }
  const response = await postJson(url, '/v1/messages', body, headers)
  expect(response.status).toBe(504)
  expect(await response.json()).toMatchObject({ type: 'error', error: { type: 'timeout_error' } })
})

test("an SDK's deadline is for the headers: a stream that has them goes on", async () => {
  const { url, native } = await serve({ script: endless })
  stopTimers()
  const headers = { 'x-stainless-read-timeout': '1' }
  const response = await chat(url, story(), { headers })
  expect(response.status).toBe(200)
  vi.advanceTimersByTime(1100)
  await settle()
  expect(native.cancelled).toEqual([])
  await response.body?.cancel()
  const whole = chat(url, story({ stream: false }), { headers })
  while (native.submitted.length < 2) await settle(1)
  vi.advanceTimersByTime(1100)
  expect((await whole).status).toBe(504)
})
