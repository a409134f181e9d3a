import { describe, expect, test } from 'vitest'
import { eventually, settle } from '../support/eventually.js'
import { post, request } from '../support/raw-client.js'
import {
  chat,
  chatPath,
  closeAfterEach,
  counting,
  serve,
  stepUntil,
  story,
} from '../support/serve.js'
import { chunksOf, framesOf } from '../support/sse.js'
import { wireCheck } from '../support/wire/checks.mjs'

closeAfterEach()

interface Body {
  error: { message: string; type: string; param: string | null; code: string | null }
}

async function errorOf(response: Response): Promise<Body['error']> {
  expect(response.headers.get('content-type')).toBe('application/json; charset=utf-8')
  const body = (await response.json()) as Body
  expect(Object.keys(body)).toEqual(['error'])
  expect(Object.keys(body.error).sort()).toEqual(['code', 'message', 'param', 'type'])
  return body.error
}

const tooLong = {
  code: 'ERR_CONTEXT_LENGTH' as const,
  message: 'the prompt has 9000 tokens, the context holds 2048',
  promptTokens: 9000,
  contextTokens: 2048,
}

describe(wireCheck(20), () => {
  test.each([true, false])(
    'a prompt that cannot fit is a 400 before any header, stream: %j',
    async (stream) => {
      const { url } = await serve({ script: () => ({ tokens: [], refuse: tooLong }) })
      const response = await chat(url, story({ stream }))
      expect(response.status).toBe(400)
      expect(await errorOf(response)).toEqual({
        message: tooLong.message,
        type: 'invalid_request_error',
        param: 'messages',
        code: 'context_length_exceeded',
      })
    },
  )
})

describe(wireCheck(20, 21), () => {
  test.each([
    ['{"model": "default"', null, /not JSON/],
    ['', null, /empty/],
    ['[]', null, /a JSON object/],
    [story({ messages: [{ role: 'wizard', content: 'hi' }] }), 'messages[0].role', /"wizard"/],
    [story({ top_p: 3 }), 'top_p', /from 0 to 1, but got 3/],
    [story({ tools: [{}] }), 'tools[0].type', /expected "function"/],
    [story({ n: 5 }), 'n', /from 1 to 4 \(the engine's parallel\), but got 5/],
  ])('a wrong request is a 400 that names its field: %j', async (body, param, message) => {
    const { url, native } = await serve()
    const response = await chat(url, body)
    expect(response.status).toBe(400)
    const error = await errorOf(response)
    expect(error).toMatchObject({ type: 'invalid_request_error', param, code: null })
    expect(error.message).toMatch(message)
    expect(native.submitted).toEqual([])
  })
})

describe(wireCheck(22), () => {
  test('a wrong or missing key is a 401 everywhere but at /health and the page', async () => {
    const { url } = await serve({ server: { apiKeys: ['right', 'also-right'] } })
    const ask = (path: string, authorization?: string) =>
      fetch(url + path, { headers: authorization === undefined ? {} : { authorization } })
    for (const wrong of [undefined, 'Bearer wrong', 'Basic right', 'right', 'Bearer ']) {
      for (const path of ['/v1/models', '/v1/nowhere', '/engine']) {
        const response = await ask(path, wrong)
        expect(response.status).toBe(401)
        expect(response.headers.get('www-authenticate')).toBe('Bearer')
        const error = await errorOf(response)
        expect(error).toMatchObject({ type: 'authentication_error', code: 'invalid_api_key' })
      }
    }
    expect((await ask('/v1/models', 'Bearer right')).status).toBe(200)
    expect((await ask('/v1/models', 'bearer also-right')).status).toBe(200)
    expect((await ask('/health')).status).toBe(200)
  })
})

describe(wireCheck(23), () => {
  test('an unknown path or model is a 404', async () => {
    const { url } = await serve()
    const path = await fetch(`${url}/v1/nowhere?secret=1`)
    expect(path.status).toBe(404)
    const error = await errorOf(path)
    expect(error.code).toBe('route_not_found')
    expect(error.message).not.toContain('secret')
    const model = await chat(url, story({ model: 'gpt-5' }))
    expect(model.status).toBe(404)
    const { code, param, message } = await errorOf(model)
    expect({ code, param }).toEqual({ code: 'model_not_found', param: 'model' })
    expect(message).toContain("'fake', 'default'")
  })

  test('a known path with another method is a 405 that tells the methods', async () => {
    const { url } = await serve()
    const get = await fetch(url + chatPath)
    expect(get.status).toBe(405)
    expect(get.headers.get('allow')).toBe('POST')
    expect((await errorOf(get)).code).toBe('method_not_allowed')
    const post = await fetch(`${url}/v1/models`, { method: 'POST' })
    expect(post.status).toBe(405)
    expect(post.headers.get('allow')).toBe('GET, HEAD')
  })
})

describe(wireCheck(24), () => {
  test('an error after the headers is a frame and the end, without [DONE]', async () => {
    const end = { code: 'ERR_ENGINE_FAILED' as const, message: 'llama.cpp failed to decode' }
    const { url } = await serve({ script: () => ({ tokens: ['Once', ' upon'], end }) })
    const response = await chat(url, story())
    expect(response.status).toBe(200)
    const text = await response.text()
    expect(text).not.toContain('[DONE]')
    expect(JSON.parse(framesOf(text).at(-1)?.slice(6) ?? '')).toEqual({
      error: { message: end.message, type: 'server_error', param: null, code: 'engine_failed' },
    })
  })

  test('the same error of a reply that is not streamed is a 500', async () => {
    const end = { code: 'ERR_ENGINE_FAILED' as const, message: 'llama.cpp failed to decode' }
    const { url } = await serve({ script: () => ({ tokens: ['Once'], end }) })
    const response = await chat(url, story({ stream: false }))
    expect(response.status).toBe(500)
    expect((await errorOf(response)).code).toBe('engine_failed')
  })

  test("the queue's deadline, which comes after the headers, is an error frame", async () => {
    const script = () => ({ tokens: counting() })
    const { native, client } = await serve({ pace: 'manual', script, engine: { parallel: 1 } })
    const [first, second, third] = [await client(), await client(), await client()]
    first.send(post(chatPath, story()))
    await stepUntil(native, () => first.text.includes('"0 "'))
    second.send(post(chatPath, story()))
    await stepUntil(native, () => second.text.includes('"role"'))
    third.send(post(chatPath, story({ stream: false })))
    await stepUntil(native, () => native.submitted.length === 3 && native.stats().queued === 2)
    const expired = { code: 'ERR_QUEUE_TIMEOUT' as const, message: 'waited 60 s for a place' }
    for (const { id } of native.submitted.slice(1)) native.fail(id, expired)
    await second.seen('queue_timeout')
    await third.seen('queue_timeout')
    expect(second.status).toBe(200)
    expect(chunksOf(second.body).at(-1)?.error?.type).toBe('server_error')
    expect(second.text).not.toContain('[DONE]')
    expect(third.status).toBe(503)
    expect(third.text).toMatch(/^retry-after: \d+\r$/m)
  })
})

describe(wireCheck(25), () => {
  test('every response has an x-request-id: its own, or a sane one of the client', async () => {
    const { url, client, log } = await serve()
    const id = async (response: Promise<Response>) => (await response).headers.get('x-request-id')
    const seen = [
      await id(chat(url, story())),
      await id(chat(url, story({ stream: false }))),
      await id(chat(url, 'nonsense')),
      await id(fetch(`${url}/nowhere`)),
      await id(fetch(`${url}/health`)),
    ]
    for (const one of seen) expect(one).toMatch(/^req_[0-9a-f]{32}$/)
    expect(new Set(seen).size).toBe(seen.length)
    expect(await id(fetch(`${url}/health`, { headers: { 'x-request-id': 'trace-7' } }))).toBe(
      'trace-7',
    )
    const raw = await client()
    raw.send(request('GET', '/health', '', { 'x-request-id': 'a b' }))
    await raw.seen('"ok"')
    expect(raw.text).toMatch(/^x-request-id: req_/m)
    await eventually(() => log.length === 7)
    expect(log.map(({ requestId }) => requestId)).toEqual(expect.arrayContaining(seen))
  })
})

describe(wireCheck(39), () => {
  test('a full queue answers 429 at once and says when to come again', async () => {
    const script = () => ({ tokens: counting() })
    const engine = { parallel: 1, queue: 1 }
    const { native, client, url } = await serve({ pace: 'manual', script, engine })
    for (let i = 1; i <= 2; i++) {
      const raw = await client()
      raw.send(post(chatPath, story()))
      await stepUntil(native, () => native.submitted.length === i)
    }
    const { steps } = native.stats()
    const response = await chat(url, story())
    expect(native.stats().steps).toBe(steps)
    expect(response.status).toBe(429)
    expect(Number(response.headers.get('retry-after'))).toBeGreaterThanOrEqual(1)
    expect(Number(response.headers.get('retry-after'))).toBeLessThanOrEqual(60)
    expect(await errorOf(response)).toMatchObject({ type: 'rate_limit_error', code: 'queue_full' })
  })
})

test('a request that Node itself cannot read gets the same four fields', async () => {
  const { client } = await serve()
  const broken = await client()
  broken.send('NONSENSE\r\n\r\n')
  await broken.closed()
  expect(broken.status).toBe(400)
  expect(Object.keys((JSON.parse(broken.body) as Body).error)).toHaveLength(4)
  const long = await client()
  long.send(request('GET', '/health', '', { 'x-long': 'x'.repeat(17 * 1024) }))
  await long.closed()
  expect(long.status).toBe(431)
  expect((JSON.parse(long.body) as Body).error.code).toBe('headers_too_large')
})

test('a client that dribbles headers or body is told so and let go, others stay', async () => {
  const server = { headersTimeoutMs: 1000, requestTimeoutMs: 1500 }
  const { client, native, server: own } = await serve({ server, pace: 'manual' })
  const { headersTimeout, requestTimeout } = own.server
  // Not before it is read: on a machine that puts us aside for a while they may pass.
  Object.assign(own.server, { headersTimeout: 0, requestTimeout: 0 })
  const waiting = await client()
  waiting.send(post(chatPath, story()))
  await eventually(() => native.submitted.length === 1)
  Object.assign(own.server, { headersTimeout, requestTimeout })
  const slow = [await client(), await client()]
  slow[0]?.send('GET /health HTTP/1.1\r\nhost: loc')
  slow[1]?.send(post(chatPath, story()).slice(0, -10))
  for (const raw of slow) {
    await raw.closed()
    expect(raw.status).toBe(408)
    expect((JSON.parse(raw.body) as Body).error.code).toBe('request_timeout')
  }
  await stepUntil(native, () => waiting.text.includes('[DONE]'))
})

test.each([true, false])(
  'bytes that are no request are refused after the answer before them, stream: %j',
  async (stream) => {
    const { client, native, log } = await serve({ pace: 'manual' })
    const raw = await client()
    raw.send(post(chatPath, story({ stream })))
    await eventually(() => native.submitted.length === 1)
    native.step(2)
    raw.send('NONSENSE\r\n\r\nMORE OF IT\r\n\r\n')
    await settle()
    await stepUntil(native, () => raw.isEnded)
    const answers = raw.text.split(/(?=HTTP\/1\.1 \d{3} )/)
    expect(answers).toHaveLength(2)
    expect(answers[0]).toContain(stream ? '[DONE]' : 'Once upon a time.')
    expect(answers[1]).toMatch(/^HTTP\/1\.1 400 /)
    expect(native.cancelled).toEqual([])
    await eventually(() => log.length === 2)
    expect(log.map(({ status, outcome }) => [status, outcome])).toEqual([
      [200, 'done'],
      [400, 'failed'],
    ])
  },
)
