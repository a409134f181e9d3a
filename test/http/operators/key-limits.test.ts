import { describe, expect, test, vi } from 'vitest'
import { eventually } from '../../support/eventually.js'
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

const bearer = (key: string) => ({ authorization: `Bearer ${key}` })
const message = { role: 'user', content: 'Tell me a story' }
const endless = () => ({ tokens: counting() })

/** A path of each protocol, and what it is asked. */
const doors: [name: string, path: string, body: object][] = [
  ['chat', '/v1/chat/completions', { model: 'default', messages: [message] }],
  ['completions', '/v1/completions', { model: 'default', prompt: 'x' }],
  ['responses', '/v1/responses', { model: 'default', input: 'x' }],
  ['ollama', '/api/chat', { model: 'default', messages: [message], stream: false }],
  ['lm-studio', '/api/v0/chat/completions', { model: 'default', messages: [message] }],
  ['llama-server', '/completion', { prompt: 'x' }],
]
const anthropic = { 'anthropic-version': '2023-06-01' }
const askMessages = { model: 'default', max_tokens: 9, messages: [message] }

/** Keys of which one has a request under way that does not end. */
async function busy(limits: object) {
  const apiKeys = [{ key: 'one', name: 'alice', ...limits }, 'other']
  const served = await serve({ script: endless, server: { apiKeys } })
  const running = new AbortController()
  const init = { headers: bearer('one'), signal: running.signal }
  const first = await chat(served.url, story(), init)
  expect(first.status).toBe(200)
  const leave = async () => {
    running.abort()
    await first.text().catch(() => undefined)
    await eventually(() => served.log.some(({ outcome }) => outcome === 'gone'), 'it has not left')
  }
  return { ...served, first, leave }
}

describe('requests of one key at once', () => {
  test.each(doors)('beyond the limit get a 429 of %s', async (name, path, body) => {
    const { url, leave } = await busy({ requests: 1 })
    const refused = await postJson(url, path, body, bearer('one'))
    expect(refused.status).toBe(429)
    expect(refused.headers.get('retry-after')).toBe('1')
    const told = (await refused.json()) as { error: unknown }
    const said = /^This key has 1 requests under way, as many as it may have at once; try again/
    if (name === 'ollama') expect(told).toEqual({ error: expect.stringMatching(said) })
    else {
      const code = 'rate_limit_exceeded'
      expect(told.error).toMatchObject({ message: expect.stringMatching(said), code })
    }
    await leave()
  })

  test('beyond the limit get a 429 of Anthropic, with the reset as a time', async () => {
    const { url, leave } = await busy({ requests: 1 })
    const headers = { ...anthropic, 'x-api-key': 'one' }
    const refused = await postJson(url, '/v1/messages', askMessages, headers)
    expect(refused.status).toBe(429)
    const told = Object.fromEntries(refused.headers)
    expect(told).toMatchObject({
      'retry-after': '1',
      'anthropic-ratelimit-requests-limit': '1',
      'anthropic-ratelimit-requests-remaining': '0',
      'anthropic-ratelimit-requests-reset': expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:]{8}Z$/),
    })
    expect(await refused.json()).toMatchObject({
      type: 'error',
      error: { type: 'rate_limit_error', message: expect.stringContaining('1 requests under way') },
    })
    await leave()
  })

  test('are let in again when one has ended; other keys never noticed', async () => {
    const { url, native, leave } = await busy({ requests: 1 })
    expect((await chat(url, story({ stream: false }), { headers: bearer('one') })).status).toBe(429)
    const other = await chat(url, story(), { headers: bearer('other') })
    expect([other.status, other.headers.get('x-ratelimit-limit-requests')]).toEqual([200, null])
    await leave()
    const again = await chat(url, story(), { headers: bearer('one') })
    expect(again.status).toBe(200)
    expect(native.submitted).toHaveLength(3)
    await Promise.all([other.body?.cancel(), again.body?.cancel()])
  })

  test('what is only looked at counts for nothing: models and metrics', async () => {
    const { url, leave } = await busy({ requests: 1 })
    for (const path of ['/v1/models', '/metrics', '/engine']) {
      expect((await fetch(url + path, { headers: bearer('one') })).status).toBe(200)
    }
    await leave()
  })

  test.each([
    ['/v1/messages', 'anthropic-ratelimit-requests-remaining'],
    ['/v1/chat/completions', 'x-ratelimit-remaining-requests'],
  ])('are told to a page too, which may read them: %s', async (path, header) => {
    const apiKeys = [{ key: 'one', requests: 2 }]
    const { url } = await serve({ server: { apiKeys, allowOrigins: ['https://page.example'] } })
    const headers = { ...bearer('one'), origin: 'https://page.example' }
    const body = path === '/v1/messages' ? askMessages : story({ stream: false })
    const answer = await postJson(url, path, body, headers)
    const exposed = answer.headers.get('access-control-expose-headers')?.split(', ') ?? []
    expect([...answer.headers.keys()]).toContain(header)
    const told = [...answer.headers.keys()].filter((name) => name.includes('ratelimit'))
    expect(exposed).toEqual(expect.arrayContaining([...told, 'retry-after', 'x-request-id']))
  })

  test('are told in headers as OpenAI has them', async () => {
    const { first, leave } = await busy({ requests: 3 })
    expect(Object.fromEntries(first.headers)).toMatchObject({
      'x-ratelimit-limit-requests': '3',
      'x-ratelimit-remaining-requests': '2',
      'x-ratelimit-reset-requests': '0ms',
    })
    await leave()
  })
})

test('requests of a key that wait beyond its limit get a 429; running ones do not', async () => {
  const apiKeys = [{ key: 'one', queue: 1 }, 'other']
  const { url, engine, native } = await serve({
    pace: 'manual',
    script: () => ({ tokens: counting(), prefillSteps: 1_000_000 }),
    engine: { parallel: 1 },
    server: { apiKeys },
  })
  const ask = async (key: string) => {
    let isAnswered = false
    const answer = chat(url, story(), { headers: bearer(key) }).finally(() => {
      isAnswered = true
    })
    await stepUntil(native, () => isAnswered)
    return answer
  }
  const running = await ask('one')
  expect(engine.stats().running).toBe(1)
  const waiting = await ask('one')
  expect(waiting.status).toBe(200)
  const refused = await ask('one')
  expect(refused.status).toBe(429)
  expect(await refused.text()).toContain('This key has 1 requests waiting')
  const other = await ask('other')
  expect(other.status).toBe(200)
  await Promise.all([running, waiting, other].map(({ body }) => body?.cancel()))
})

describe('tokens a minute of one key', () => {
  /** The key's prompt has 4 tokens, its reply as many. */
  const script = () => ({ promptTokens: 4, tokens: ['Once', ' upon', ' a', ' time'] })

  test('are counted with the prompt, and what is beyond gets a 429 with the reset', async () => {
    const server = { apiKeys: ['one', 'other'], keyLimits: { tokensPerMinute: 8 } }
    // A token comes back every 7.5 s.
    vi.useFakeTimers({ toFake: ['performance'] })
    alsoClose(async () => void vi.useRealTimers())
    const { url, log } = await serve({ script, server })
    const ask = (key: string) => chat(url, story({ stream: false }), { headers: bearer(key) })
    const first = await ask('one')
    expect(first.headers.get('x-ratelimit-remaining-tokens')).toBe('8')
    await first.text()
    await eventually(() => log.length === 1, 'it was not counted')
    const refused = await ask('one')
    expect(refused.status).toBe(429)
    const told = Object.fromEntries(refused.headers)
    expect(told).toMatchObject({
      'x-ratelimit-limit-tokens': '8',
      'x-ratelimit-remaining-tokens': '0',
      'x-ratelimit-reset-tokens': '1m0s',
    })
    const seconds = 8
    expect(told['retry-after']).toBe(`${seconds}`)
    expect(await refused.json()).toEqual({
      error: {
        message: `This key has used its 8 tokens a minute. Please try again in ${seconds}s.`,
        type: 'tokens',
        param: null,
        code: 'rate_limit_exceeded',
      },
    })
    expect((await ask('other')).status).toBe(200)
  })

  test('of Anthropic are told as a time', async () => {
    const server = { apiKeys: ['one'], keyLimits: { tokensPerMinute: 60 } }
    const { url } = await serve({ script, server })
    const headers = { ...anthropic, 'x-api-key': 'one' }
    const response = await postJson(url, '/v1/messages', askMessages, headers)
    expect(Object.fromEntries(response.headers)).toMatchObject({
      'anthropic-ratelimit-tokens-limit': '60',
      'anthropic-ratelimit-tokens-remaining': '60',
      'anthropic-ratelimit-tokens-reset': expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:]{8}Z$/),
    })
    await response.text()
  })
})

describe('of what ends early, for its key and in the log', () => {
  const server = { apiKeys: ['one'], keyLimits: { tokensPerMinute: 60 } }
  const six = 'a story of a grey fox'
  const decision = { type: 'predicate', instructions: 'Is it?' }
  const cases: [string, path: string, body: object, fake: object, tokens: number][] = [
    [
      'embeddings',
      '/v1/embeddings',
      { input: [six, six] },
      { embedding: { size: 2, pooling: 'mean', isStuck: true } },
      12,
    ],
    [
      'rerank',
      '/v1/rerank',
      { query: 'of a fox', documents: [six] },
      { embedding: { size: 1, pooling: 'rank', isStuck: true } },
      9,
    ],
    [
      'Ollama’s embeddings',
      '/api/embed',
      { input: [six] },
      { embedding: { size: 2, pooling: 'mean', isStuck: true } },
      6,
    ],
    [
      'llama-server’s embeddings',
      '/embedding',
      { content: six },
      { embedding: { size: 2, pooling: 'mean', isStuck: true } },
      6,
    ],
    [
      'System One',
      '/v1/systemone',
      { state: 'Twice!', questions: { a: { type: 'noul', instructions: 'Is it?' } } },
      { script: () => ({ tokens: [], promptTokens: 20, prefillSteps: 1e9 }) },
      20,
    ],
    [
      'decisions',
      '/v1/decisions',
      { input: 'Twice!', questions: [decision] },
      { script: () => ({ tokens: [], promptTokens: 20, prefillSteps: 1e9 }) },
      20,
    ],
    [
      'completions',
      '/v1/completions',
      { prompt: 'x' },
      { script: () => ({ tokens: [], promptTokens: 20, prefillSteps: 1e9 }) },
      20,
    ],
  ]

  test.each(cases)(
    'the tokens of %s whose deadline passed are counted',
    async (_, path, body, fake, tokens) => {
      vi.useFakeTimers({ toFake: ['performance'] }) // no token comes back
      alsoClose(async () => void vi.useRealTimers())
      const { url, log } = await serve({ ...fake, server })
      const late = { ...bearer('one'), 'x-request-timeout': '0.3' }
      const asked = { model: 'default', ...body }
      expect((await postJson(url, path, asked, late)).status).toBe(504)
      await eventually(() => log.length === 1, 'it was not counted')
      expect(log[0]).toMatchObject({ promptTokens: tokens })
      const next = await postJson(url, '/v1/completions', { model: 'default', prompt: 'x' }, late)
      expect(next.headers.get('x-ratelimit-remaining-tokens')).toBe(`${60 - tokens}`)
    },
  )

  test.each(cases)('no token of %s that found no slot is counted', async (_, path, body, fake) => {
    vi.useFakeTimers({ toFake: ['performance'] })
    alsoClose(async () => void vi.useRealTimers())
    const { url, log, native } = await serve({ ...fake, server })
    const asked = { model: 'default', ...body }
    const answer = postJson(url, path, asked, bearer('one'))
    await eventually(() => native.submitted.length + native.embedder.requests.length > 0)
    const id = (native.submitted[0] ?? native.embedder.requests[0])?.id ?? 0
    native.fail(id, { code: 'ERR_QUEUE_TIMEOUT', message: 'no slot became free' })
    expect((await answer).status).toBe(503)
    await eventually(() => log.length === 1, 'it was not told')
    expect(log[0]?.promptTokens).toBeUndefined()
    const late = { ...bearer('one'), 'x-request-timeout': '0.1' }
    const next = await postJson(url, '/v1/completions', { model: 'default', prompt: 'x' }, late)
    expect(next.headers.get('x-ratelimit-remaining-tokens')).toBe('60')
  })
})

test('the log has the name of a key, and never the key', async () => {
  const apiKeys = [{ key: 'secret-key-1', name: 'alice' }, 'secret-key-2']
  const { url, log } = await serve({ server: { apiKeys } })
  for (const key of ['secret-key-1', 'secret-key-2', 'secret-key-3']) {
    await (await chat(url, story(), { headers: bearer(key) })).text()
  }
  await eventually(() => log.length === 3, 'a request was not told')
  expect(log.map(({ key, status }) => [key, status])).toEqual([
    ['alice', 200],
    [undefined, 200],
    [undefined, 401],
  ])
  expect(JSON.stringify(log)).not.toContain('secret')
})

test('each key is an owner whose requests take turns with those of others', async () => {
  const { url, native } = await serve({ server: { apiKeys: ['one', 'other'] } })
  for (const key of ['one', 'other', 'one']) {
    await (await chat(url, story(), { headers: bearer(key) })).text()
  }
  const [first, second, third] = native.submitted.map(({ owner }) => owner)
  expect(first).toMatch(/^[\w-]{43}$/) // a digest
  expect(second).not.toBe(first)
  expect(third).toBe(first)
})
