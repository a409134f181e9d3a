import { createServer as createHttpServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, test } from 'vitest'
import { requestListener } from '../support/adapters/adapter.js'
import { eventually, settle } from '../support/eventually.js'
import type { FakeFailure } from '../support/fake-binding.js'
import { tokenBytes } from '../support/fake-engine.js'
import { post } from '../support/raw-client.js'
import {
  alsoClose,
  chat,
  chatPath,
  closeAfterEach,
  counting,
  postJson,
  type Served,
  serve,
  stepUntil,
  story,
} from '../support/serve.js'

// What a request has asked of the engine ends with it, however it ends, and its tokens are told.

closeAfterEach()

const path = '/v1/completions'
const prompts = (count: number) => Array.from({ length: count }, (_, i) => `Tell me ${i}`)
const endless = () => ({ tokens: counting() })

function expectRest(native: Served['native']): void {
  expect(native.stats()).toMatchObject({ queued: 0, running: 0, parked: 0, cellsUsed: 0 })
}

test('70 requests whose second prompt cannot be filled leave nothing behind', async () => {
  const engine = { queue: 64, window: 4 }
  const { url, native } = await serve({ script: endless, model: { canInfill: true }, engine })
  const body = { model: 'default', prompt: ['text', [70, 5, 6]], suffix: 'more' }
  for (let i = 0; i < 70; i++) {
    const response = await postJson(url, path, body)
    expect([i, response.status]).toEqual([i, 400])
    await response.text()
  }
  expect((await chat(url, story({ stream: false, max_tokens: 9 }))).status).toBe(200)
  await settle()
  expectRest(native)
  expect(native.stats()).toMatchObject({ started: 71, cancelled: 70, finished: 1 })
})

const failure: FakeFailure = { code: 'ERR_ENGINE_FAILED', message: 'no more' }
const tooLong: FakeFailure = { code: 'ERR_CONTEXT_LENGTH', message: 'too long' }

/** The last prompt is at fault, the others never end by themselves. */
const lastFails = (how: object) => (request: { prompt: unknown }) => {
  return { ...endless(), ...(String(request.prompt).endsWith('2') ? how : {}) }
}

const failures: [what: string, how: object, status: number][] = [
  ['is refused after others were taken', { refuse: tooLong }, 400],
  ['fails as it ends', { tokens: ['a'], end: failure }, 500],
  ['fails before it begins', { refuse: failure }, 500],
]

test.each(failures)(
  'the other prompts of a request end where one of them %s',
  async (_, how, status) => {
    for (const stream of [false, true]) {
      const { url, native } = await serve({ script: lastFails(how), engine: { parallel: 4 } })
      const body = { model: 'default', prompt: prompts(3), stream, max_tokens: 100_000 }
      const response = await postJson(url, path, body)
      await response.text()
      expect(response.status === 200 ? 500 : response.status).toBe(status)
      await eventually(() => native.stats().running + native.stats().queued === 0)
      expectRest(native)
      expect(native.stats()).toMatchObject({ started: 3, failed: 1, cancelled: 2 })
    }
  },
)

test('the other prompts of a request end where one of them finds the queue full', async () => {
  const { url, native } = await serve({ script: endless, engine: { parallel: 2, queue: 1 } })
  const holder = new AbortController()
  const first = await chat(url, story(), { signal: holder.signal })
  await eventually(() => native.stats().running === 1)
  const response = await postJson(url, path, { model: 'default', prompt: prompts(3) })
  expect(response.status).toBe(429)
  expect(response.headers.get('retry-after')).toBe('1')
  await response.text()
  await eventually(() => native.stats().cancelled === 2)
  const underWay = () => native.stats().running + native.stats().parked
  expect([native.stats().queued, underWay()]).toEqual([0, 1])
  holder.abort()
  await first.text().catch(() => undefined)
  await eventually(() => underWay() === 0)
})

/** A server whose responses throw where `breaks` says so. */
async function breaking(breaks: (res: ServerResponse) => void) {
  const served = await serve({ script: endless, engine: { parallel: 4 } })
  const { engine, log } = served
  const listener = requestListener({ engine, onLog: (entry) => log.push(entry) })
  const server = createHttpServer((req, res) => {
    breaks(res)
    listener(req, res)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  alsoClose(async () => {
    server.closeAllConnections()
    server.close()
  })
  return { ...served, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` }
}

const broken = () => {
  throw new TypeError('cannot be written')
}

const responses: [what: string, breaks: (res: ServerResponse) => void, stream: boolean][] = [
  ['whose headers cannot be written', (res) => Object.assign(res, { writeHead: broken }), true],
  ['whose frames cannot be written', (res) => Object.assign(res, { write: broken }), true],
  ['whose end cannot be written', (res) => Object.assign(res, { end: broken }), false],
  ['that somebody has answered', (res) => res.end('mine'), true],
  ['that somebody has begun', (res) => res.writeHead(200).write('mine'), false],
  [
    'that somebody answers meanwhile',
    (res) => void setTimeout(() => !res.headersSent && res.end('mine'), 50),
    false,
  ],
]

test.each(responses)('a response %s leaves nothing behind', async (_, breaks, stream) => {
  const { url, native, log } = await breaking(breaks)
  const limit = { n: 2, max_tokens: 1000 }
  const requests = [
    chat(url, story({ stream, ...limit })),
    postJson(url, path, { model: 'default', prompt: prompts(2), stream, max_tokens: 1000 }),
  ]
  for (const response of await Promise.allSettled(requests)) {
    if (response.status === 'fulfilled') await response.value.text().catch(() => undefined)
  }
  await eventually(() => log.length === 2, 'a request did not end')
  await eventually(() => native.stats().running + native.stats().queued === 0)
  expectRest(native)
})

test('texts that wait for the tokenizer are dropped with their requests', async () => {
  const { native, client, log, server } = await serve()
  let requests = 0
  server.server.on('request', () => requests++)
  const started: string[] = []
  const answers: (() => void)[] = []
  native.onTextJob = (job, answer) => {
    started.push(job.kind === 'tokenize' ? job.text : job.kind)
    answers.push(answer)
  }
  const clients = []
  for (let i = 0; i < 4; i++) {
    const raw = await client()
    raw.send(post('/tokenize', { content: `${i}` }))
    clients.push(raw)
    await eventually(() => requests === i + 1)
    await settle()
  }
  const last = await client()
  last.send(post('/apply-template', { messages: story().messages }))
  await eventually(() => requests === 5 && started.length === 2)
  await settle()
  for (const raw of [...clients.slice(2), last]) raw.reset()
  await eventually(() => log.length === 3)
  expect(log.map(({ outcome }) => outcome)).toEqual(['gone', 'gone', 'gone'])
  for (const answer of answers) answer()
  await settle()
  expect(started).toEqual(['0', '1'])
})

test('an embedding whose client leaves is cancelled, as is one that fails', async () => {
  const served = await serve({ pace: 'manual', embedding: { size: 4, pooling: 'mean' } })
  const { native, client, log } = served
  const raw = await client()
  raw.send(post('/v1/embeddings', { model: 'default', input: prompts(3) }))
  await eventually(() => native.stats().queued === 1)
  raw.reset()
  await eventually(() => native.stats().cancelled === 1)
  expectRest(native)
  await eventually(() => log.length === 1)
})

// 21: what a reply took is told where its client left, too.

interface Left {
  what: string
  path: string
  body: object
  /** Replies and choices that run. */
  running: number
  promptTokens: number
}

const lefts: Left[] = [true, false].flatMap((stream) => [
  { what: 'a chat', path: chatPath, body: story({ stream }), running: 1, promptTokens: 4 },
  {
    what: 'a chat of three choices',
    path: chatPath,
    body: story({ stream, n: 3 }),
    running: 3,
    promptTokens: 4,
  },
  {
    what: 'a completion',
    path,
    body: { model: 'default', prompt: 'Tell me', stream, max_tokens: 1000 },
    running: 1,
    promptTokens: 2,
  },
  {
    what: 'two prompts of two choices',
    path,
    body: { model: 'default', prompt: prompts(2), n: 2, stream, max_tokens: 1000 },
    running: 4,
    promptTokens: 6,
  },
])

async function sumsOf({ url }: Served): Promise<(number | undefined)[]> {
  const text = await (await fetch(`${url}/metrics`)).text()
  const sum = (name: string) => {
    const line = new RegExp(`^sluice_request_${name}_tokens_sum\\{.*\\} (\\d+)$`, 'm').exec(text)
    return line === null ? undefined : Number(line[1])
  }
  return [sum('prompt'), sum('generation')]
}

test.each(
  lefts.flatMap((left) => [
    { ...left, way: 'fin' as const },
    { ...left, way: 'reset' as const },
  ]),
)('$what whose client left by $way is logged with its tokens: $body', async (left) => {
  const engine = { parallel: 4, window: 1000 }
  const served = await serve({ pace: 'manual', script: endless, engine })
  const { native, client, log } = served
  const raw = await client()
  raw.send(post(left.path, left.body))
  await stepUntil(native, () => native.stats().running === left.running)
  await settle()
  native.step(7)
  const { tokensGenerated } = native.stats()
  expect(tokensGenerated).toBeGreaterThan(left.running * 6)
  raw[left.way]()
  await eventually(() => native.cancelled.length === left.running)
  native.step()
  await eventually(() => log.length === 1)
  expect(log[0]).toMatchObject({
    outcome: 'gone',
    promptTokens: left.promptTokens,
    completionTokens: tokensGenerated,
  })
  expect(await sumsOf(served)).toEqual([left.promptTokens, tokensGenerated])
})

test('an engine that never tells its count is not waited for', async () => {
  const served = await serve({ pace: 'manual', script: endless })
  const { native, client, log } = served
  const raw = await client()
  raw.send(post(chatPath, story()))
  await stepUntil(native, () => raw.text.includes('"5 "'))
  native.isFrozen = true
  const { tokensGenerated } = native.stats()
  raw.reset()
  await eventually(() => log.length === 1)
  expect(log[0]).toMatchObject({ outcome: 'gone', completionTokens: tokensGenerated })
})

test('the time of a request is logged without the wait for its count', async () => {
  const { native, client, log, server } = await serve({ pace: 'manual', script: endless })
  const raw = await client()
  const sentAt = performance.now()
  raw.send(post(chatPath, story()))
  await stepUntil(native, () => raw.text.includes('"5 "'))
  native.isFrozen = true
  raw.reset()
  await server.drain() // which loses no entry
  expect(log).toHaveLength(1)
  const countMs = 1000
  expect(log[0]?.durationMs).toBeLessThan(performance.now() - sentAt - countMs + 100)
})

test('a reply that an error ends is logged with its tokens', async () => {
  const token = { logprobs: [{ id: 7, bytes: tokenBytes('a'), logprob: -1, top: [] }], text: 'a' }
  const script = () => ({ tokens: ['a', 'b', 'c'], end: failure })
  const plain = await serve({ script })
  await (await chat(plain.url, story())).text()
  const rich = await serve({ script: () => ({ tokens: [token, token, token], end: failure }) })
  await (await chat(rich.url, story({ stream: false, logprobs: true }))).text()
  for (const served of [plain, rich]) {
    await eventually(() => served.log.length === 1)
    expect(served.log[0]).toMatchObject({
      outcome: 'failed',
      code: 'engine_failed',
      promptTokens: 4,
      completionTokens: 3,
    })
  }
})
