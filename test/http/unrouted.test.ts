import { expect, test } from 'vitest'
import type { Api } from '../../src/apis/api.js'
import { openAi } from '../../src/apis/openai/api.js'
import { protocolLike } from '../../src/http/dispatch.js'
import { eventually } from '../support/eventually.js'
import { post, type RawClient, request } from '../support/raw-client.js'
import { chatPath, closeAfterEach, type Served, serve, story } from '../support/serve.js'

// What the server answers, or Node would answer in its place, beside the routes: each with an id,
// a body of OpenAI's form, a line in the log and a count.

closeAfterEach()

interface Refusal {
  status: number
  code: string | null
  /** Of the log's line. Default: none, as nothing of the request could be read. */
  method?: string
  route?: string
}

const quick = { headersTimeoutMs: 60, requestTimeoutMs: 120 }
const json = { 'content-type': 'application/json' }
const chunked = { ...json, 'transfer-encoding': 'chunked' }
const inBody = { method: 'POST', route: chatPath }

const cases: [what: string, bytes: string, refusal: Refusal][] = [
  ['what is no HTTP', 'NONSENSE\r\n\r\n', { status: 400, code: null }],
  ['a method that is none', 'FETCH / HTTP/1.1\r\n\r\n', { status: 400, code: null }],
  [
    'another version of HTTP',
    'GET /health HTTP/3.7\r\nhost: localhost\r\n\r\n',
    { status: 505, code: 'http_version_not_supported' },
  ],
  ['the preface of HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', { status: 400, code: null }],
  [
    'two lengths',
    request('POST', chatPath, '{}').replace('\r\n\r\n', '\r\ncontent-length: 5\r\n\r\n'),
    { status: 400, code: null },
  ],
  [
    'a header line without a name',
    request('GET', '/health', '', { '': 'x' }),
    { status: 400, code: null },
  ],
  [
    'headers larger than it takes',
    request('GET', '/health', '', { 'x-large': 'x'.repeat(20_000) }),
    { status: 431, code: 'headers_too_large' },
  ],
  [
    'headers that never end',
    'GET /health HTTP/1.1\r\nhost: localhost\r\n',
    { status: 408, code: 'request_timeout' },
  ],
  ['a connection that says nothing', '', { status: 408, code: 'request_timeout' }],
  [
    'a body that never ends',
    post(chatPath, story()).slice(0, -10),
    { status: 408, code: 'request_timeout', ...inBody },
  ],
  [
    'chunks that never end',
    `${request('POST', chatPath, '', chunked)}5\r\n{"mod`,
    { status: 408, code: 'request_timeout', ...inBody },
  ],
  [
    'a chunk without a size',
    `${request('POST', chatPath, '', chunked)}zz\r\n`,
    { status: 400, code: null, ...inBody },
  ],
  [
    'chunks with too much beside their sizes',
    `${request('POST', chatPath, '', chunked)}2;${'x'.repeat(20_000)}\r\n{}\r\n0\r\n\r\n`,
    { status: 413, code: 'body_too_large', ...inBody },
  ],
  [
    'trailers larger than it takes',
    `${request('POST', chatPath, '', chunked)}2\r\n{}\r\n0\r\nx: ${'x'.repeat(20_000)}\r\n\r\n`,
    { status: 431, code: 'headers_too_large', ...inBody },
  ],
  [
    'an expectation that is not 100-continue',
    request('POST', chatPath, '', { ...json, expect: 'the unexpected', 'content-length': '9' }),
    { status: 417, code: 'expectation_failed', ...inBody },
  ],
  [
    'a CONNECT',
    'CONNECT localhost:80 HTTP/1.1\r\nhost: localhost\r\n\r\n',
    { status: 405, code: 'method_not_allowed', method: 'CONNECT' },
  ],
]

/**
 * Node's own deadlines count from where a connection begins: on a machine that puts us aside for a
 * while they pass before the headers are read. Ours for the body counts from there, and stays.
 */
function withoutNodes({ server: { server } }: Served): void {
  Object.assign(server, { headersTimeout: 0, requestTimeout: 0 })
}

async function countOf({ url }: Served, metric: string, labels: string): Promise<number> {
  const text = await (await fetch(`${url}/metrics`)).text()
  const line = new RegExp(`^${metric}\\{${labels}\\} (\\d+)$`, 'm')
  return Number(line.exec(text)?.[1] ?? 0)
}

async function expectRefused(served: Served, raw: RawClient, refusal: Refusal): Promise<void> {
  const { status, code, method = '', route } = refusal
  await raw.seen('\r\n\r\n')
  await eventually(() => served.log.length === 1, 'it is not in the log')
  const id = /^x-request-id: (\S+)\r$/im.exec(raw.text)?.[1]
  expect(id).toMatch(/^req_[0-9a-f]{32}$/)
  expect([raw.status, JSON.parse(raw.body)]).toEqual([
    status,
    { error: { message: expect.any(String), type: expect.any(String), param: null, code } },
  ])
  expect(raw.text).toMatch(/^connection: close\r$/im)
  expect(served.log[0]).toEqual({
    requestId: id,
    method,
    route,
    status,
    outcome: 'failed',
    code: code ?? undefined,
    durationMs: expect.any(Number),
    promptTokens: undefined,
    completionTokens: undefined,
    error: undefined,
  })
  withoutNodes(served) // of which the page itself has no need
  const labels = `method="${method || 'none'}",route="${route ?? 'none'}",status="${status}"`
  expect(await countOf(served, 'sluice_http_requests_total', labels)).toBe(1)
  const kind = `code="${code ?? 'invalid_request'}"`
  expect(await countOf(served, 'sluice_request_errors_total', kind)).toBe(1)
}

test.each(cases)('%s is refused, logged and counted', async (_, bytes, refusal) => {
  // Only what never ends is to meet a deadline, also on a machine that puts us aside for a while.
  const served = await serve(refusal.status === 408 ? { server: quick } : {})
  if (refusal.route !== undefined) withoutNodes(served)
  const raw = await served.client()
  raw.send(bytes)
  await expectRefused(served, raw, refusal)
  await raw.closed()
  expect(raw.text.match(/HTTP\/1\.1 \d{3} /g)).toHaveLength(1)
})

test('the time that headers or body took to be refused is in the log', async () => {
  const served = await serve({ server: quick })
  const before = performance.now()
  const raw = await served.client()
  raw.send('GET /health HTTP/1.1\r\n')
  await eventually(() => served.log.length === 1)
  expect(served.log[0]?.durationMs).toBeGreaterThan(50)
  expect(served.log[0]?.durationMs).toBeLessThan(performance.now() - before + 1)
})

test('the id that a client gave to what is refused is kept where it could be read', async () => {
  const served = await serve({ server: quick })
  withoutNodes(served)
  for (const bytes of [
    'CONNECT a:1 HTTP/1.1\r\nhost: a\r\nx-request-id: mine\r\n\r\n',
    request('POST', chatPath, '', { expect: 'x', 'x-request-id': 'mine' }),
    request('POST', chatPath, '', { ...json, 'content-length': '9', 'x-request-id': 'mine' }),
  ]) {
    const raw = await served.client()
    raw.send(bytes)
    await raw.seen('x-request-id: mine\r\n')
  }
  await eventually(() => served.log.length === 3)
  expect(served.log.map(({ requestId }) => requestId)).toEqual(['mine', 'mine', 'mine'])
})

test('a client that leaves in its headers is told so, and in its body is not', async () => {
  const served = await serve()
  let requests = 0
  served.server.server.on('request', () => requests++)
  const [inHeaders, within] = [await served.client(), await served.client()]
  inHeaders.send('GET /health HTTP/1.1\r\nhost: loc')
  inHeaders.fin()
  await eventually(() => served.log.length === 1)
  await inHeaders.seen('HTTP/1.1 400 ')
  within.send(post(chatPath, story()).slice(0, -10))
  await eventually(() => requests === 1)
  within.fin()
  await eventually(() => served.log.length === 2)
  expect(served.log.map(({ status, outcome }) => [status, outcome])).toEqual([
    [400, 'failed'],
    [0, 'gone'],
  ])
  expect(within.text).toBe('')
})

test('the rest of a request that was refused at the door gets no second answer', async () => {
  const served = await serve({ server: { ...quick, apiKeys: ['key'] } })
  withoutNodes(served)
  const raw = await served.client()
  raw.send(post(chatPath, story()).slice(0, -10))
  await raw.seen('invalid_api_key')
  Object.assign(served.server.server, { requestTimeout: quick.requestTimeoutMs })
  await raw.closed()
  expect(raw.text.match(/HTTP\/1\.1 \d{3} /g)).toHaveLength(1)
  expect(raw.status).toBe(401)
  await eventually(() => served.log.length === 1)
  expect(served.log.map(({ status }) => status)).toEqual([401])
})

test('an upgrade is answered as if nothing else had been asked', async () => {
  const served = await serve()
  const raw = await served.client()
  const upgrade = { connection: 'upgrade', upgrade: 'websocket' }
  raw.send(request('GET', '/health', '', upgrade))
  await raw.seen('"status":"ok"')
  await eventually(() => served.log.length === 1)
  expect(served.log[0]).toMatchObject({ route: '/health', status: 200, outcome: 'done' })
  expect(raw.text).toMatch(/^x-request-id: /im)
})

test('connections beyond the limit are counted', async () => {
  const served = await serve({ server: { connectionsMax: 1 } })
  const first = await served.client()
  first.send(request('GET', '/health'))
  await first.seen('"status":"ok"')
  for (let i = 0; i < 3; i++) await (await served.client()).closed()
  first.send(request('GET', '/metrics'))
  await first.seen('sluice_http_connections_dropped_total 3\n')
  await eventually(() => served.log.length === 2)
  expect(served.log.map(({ route }) => route)).toEqual(['/health', '/metrics'])
})

test('an unknown path is told of in the words of the protocol whose paths begin as it does', () => {
  const answers = (...patterns: string[]): Api => ({
    ...openAi,
    routes: patterns.map((pattern) => ({ method: 'POST', pattern, handle: () => expect.fail() })),
  })
  const first = answers('/v1/chat/completions', '/v1/models/{id}')
  const second = answers('/v1/messages', '/v1/messages/count_tokens')
  const third = answers('/api/chat')
  const like = (path: string) => protocolLike(path, [first, second, third])
  for (const prefix of ['/v1', '', '/v1/v1']) {
    expect(like(`${prefix}/messages/batches`)).toBe(second)
    expect(like(`${prefix}/messages/count_tokens/x`)).toBe(second)
    expect(like(`${prefix}/chat/x`)).toBe(first)
  }
  expect(like('/v1/chat')).toBe(first)
  expect(like('/v1/responses')).toBe(first)
  expect(like('/api/tags')).toBe(third)
  expect(like('/nothing')).toBe(first)
})
