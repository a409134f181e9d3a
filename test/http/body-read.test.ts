import {
  createServer as createHttpServer,
  type IncomingMessage,
  type RequestListener,
  type Server,
} from 'node:http'
import type { AddressInfo } from 'node:net'
import express from 'express'
import fastify from 'fastify'
import { expect, test } from 'vitest'
import { type ListenerOptions, requestListener } from '../../src/http/index.js'
import { eventually } from '../support/eventually.js'
import { post, RawClient, request } from '../support/raw-client.js'
import {
  alsoClose,
  chat,
  chatPath,
  closeAfterEach,
  serve,
  stepUntil,
  story,
} from '../support/serve.js'

// A listener behind somebody who reads bodies: it takes what was read, or says at once that it
// cannot. Nothing hangs.

closeAfterEach()

type WithBody = IncomingMessage & { body?: unknown }

async function listen(server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  alsoClose(async () => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

async function listenerWith(options: Partial<ListenerOptions> = {}) {
  const { engine, native, log } = await serve()
  const onLog: ListenerOptions['onLog'] = (entry) => log.push(entry)
  return { native, log, listener: requestListener({ engine, onLog, ...options }) }
}

async function behindExpress(use: (app: express.Express) => void, options = {}) {
  const { listener, ...rest } = await listenerWith(options)
  const app = express()
  use(app)
  app.use(listener)
  return { ...rest, url: await listen(createHttpServer(app)) }
}

async function behind(prepare: (req: WithBody) => void | Promise<void>, options = {}) {
  const { listener, ...rest } = await listenerWith(options)
  const url = await listen(
    createHttpServer((async (req, res) => {
      // In the same turn where nothing is waited for.
      const waits = prepare(req)
      if (waits !== undefined) await waits
      listener(req, res)
    }) satisfies RequestListener),
  )
  return { ...rest, url }
}

const body = JSON.stringify(story({ stream: false }))

async function expectAnswered(url: string, text = body): Promise<void> {
  const response = await chat(url, text, { signal: AbortSignal.timeout(60_000) })
  expect(await response.json()).toMatchObject({
    choices: [{ message: { content: 'Once upon a time.' } }],
  })
}

async function expectRefused(url: string): Promise<void> {
  const response = await chat(url, body, { signal: AbortSignal.timeout(60_000) })
  expect([response.status, await response.json()]).toEqual([
    400,
    {
      error: {
        message: expect.stringMatching(/req\.body/),
        type: 'invalid_request_error',
        param: null,
        code: 'body_already_read',
      },
    },
  ])
}

const readers: [name: string, use: (app: express.Express) => void][] = [
  ['express.json()', (app) => app.use(express.json())],
  ['express.text()', (app) => app.use(express.text({ type: '*/*' }))],
  ['express.raw()', (app) => app.use(express.raw({ type: '*/*' }))],
  ['express.urlencoded()', (app) => app.use(express.urlencoded())],
  [
    'all of them',
    (app) => app.use(express.urlencoded(), express.text(), express.raw(), express.json()),
  ],
  [
    'a body of {} that nobody read, as Express 4 has it',
    (app) => app.use((req, _, next) => next(Object.assign(req, { body: {} }) && undefined)),
  ],
]

test.each(readers)('a request behind %s is answered', async (_, use) => {
  const { url, native } = await behindExpress(use)
  await expectAnswered(url)
  await expectAnswered(url)
  expect(native.submitted).toHaveLength(2)
})

test('a compressed body behind express.json() is taken as it was read', async () => {
  const { url } = await behindExpress((app) => app.use(express.json()))
  const stream = new Blob([body]).stream().pipeThrough(new CompressionStream('gzip'))
  const response = await fetch(url + chatPath, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'content-encoding': 'gzip' },
    body: Buffer.from(await new Response(stream).arrayBuffer()),
  })
  expect(response.status).toBe(200)
})

test('a body that another reader has read passes the same checks', async () => {
  const limit = 1024 * 1024
  const { url, native } = await behindExpress(
    (app) => app.use(express.json({ limit: 4 * limit, strict: false })),
    { bodyBytesMax: limit },
  )
  const deep = (depth: number) => JSON.stringify(story()).replace('{', `{"x":${nested(depth)},`)
  for (const [text, status, message] of [
    [JSON.stringify(story({ user: 'x'.repeat(limit) })), 413, /at most 1048576 bytes/],
    [deep(64), 400, /at most 64 deep/],
    [deep(100_000), 400, /at most 64 deep/],
    ['[1]', 400, /an array of 1/],
    ['null', 400, /got null/],
    ['7', 400, /got 7/],
    ['{}', 400, /'messages'/],
  ] as const) {
    const response = await chat(url, text, { signal: AbortSignal.timeout(60_000) })
    expect(response.status).toBe(status)
    expect(await response.text()).toMatch(message)
  }
  expect(native.submitted).toEqual([])
})

test('bodies that somebody else has read count among those that are in memory', async () => {
  const limit = 2 ** 21
  const held = serve({ pace: 'manual' }) // so that none is answered
  const { engine, native } = await held
  const listener = requestListener({ engine, bodyBytesMax: limit })
  const app = express().use(express.json({ limit }), listener)
  const url = await listen(createHttpServer(app))
  const large = JSON.stringify(story({ stream: false, user: 'x'.repeat(limit - 1000) }))
  const asked = Array.from({ length: 9 }, () => chat(url, large))
  const first = await Promise.race(asked)
  expect(first.status).toBe(429)
  expect(await first.text()).toContain('bytes of large requests are under way')
  await eventually(() => native.submitted.length === 8)
  native.step()
  await stepUntil(native, () => native.stats().running + native.stats().queued === 0)
  const statuses = (await Promise.all(asked)).map((one) => one.status)
  expect(statuses.filter((one) => one === 200)).toHaveLength(8)
})

function nested(depth: number): string {
  return '['.repeat(depth) + ']'.repeat(depth)
}

test('a form behind a parser is no request, and what is no text is still a 415', async () => {
  const { url } = await behindExpress((app) => app.use(express.urlencoded()))
  const headers = { 'content-type': 'application/x-www-form-urlencoded' }
  expect((await chat(url, 'model=default', { headers })).status).toBe(400)
  const called = await chat(url, body, { headers })
  expect([called.status, await called.text()]).toEqual([
    415,
    expect.stringContaining('Content-Type: application/json'),
  ])
  const csv = { 'content-type': 'text/csv' }
  expect((await chat(url, 'model=default', { headers: csv })).status).toBe(415)
})

test('routes without a body are answered behind a parser', async () => {
  const { url } = await behindExpress((app) => app.use(express.json()))
  expect((await fetch(`${url}/health`)).status).toBe(200)
  const empty = await chat(url, '')
  expect(empty.status).toBe(400)
})

test("Fastify's parser keeps the body to itself: a 400, or its body handed over", async () => {
  for (const isGiven of [false, true]) {
    const { listener } = await listenerWith()
    const app = fastify()
    app.all('/v1/*', (request, reply) => {
      reply.hijack()
      if (isGiven) Object.assign(request.raw, { body: request.body })
      listener(request.raw, reply.raw)
    })
    alsoClose(() => app.close())
    const url = await app.listen({ port: 0, host: '127.0.0.1' })
    if (isGiven) await expectAnswered(url)
    else await expectRefused(url)
  }
})

async function readIt(req: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of req) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks)
}

// Next's pages, Firebase and other hosts: the body is read whole and set on the request.
const given: [what: string, of: (bytes: Buffer) => unknown][] = [
  ['an object', (bytes) => JSON.parse(bytes.toString())],
  ['a string', (bytes) => bytes.toString()],
  ['a Buffer', (bytes) => bytes],
  ['a Uint8Array', (bytes) => new Uint8Array(bytes)],
]

const setTo = (of: (bytes: Buffer) => unknown) => async (req: WithBody) => {
  req.body = of(await readIt(req))
}

test.each(given)('%s at req.body is the body', async (_, of) => {
  const { url } = await behind(setTo(of))
  await expectAnswered(url)
  await expectAnswered(url, body.padEnd(200_000))
})

const circular: Record<string, unknown> = {}
circular.self = circular

const gone: [what: string, prepare: (req: WithBody) => void | Promise<void>][] = [
  ['read, and left nowhere', async (req) => void (await readIt(req))],
  [
    'half read',
    (req) =>
      new Promise((resolve) => {
        req.once('data', () => {
          req.pause()
          resolve()
        })
      }),
  ],
  [
    'half read, with a body that was made up',
    (req) =>
      new Promise((resolve) => {
        req.body = {}
        req.once('data', () => {
          req.pause()
          resolve()
        })
      }),
  ],
  ['being read by somebody else', (req) => void req.on('readable', () => undefined)],
  ['a stream of its own', setTo((bytes) => new Response(bytes).body)],
  ['a function', setTo(() => () => 1)],
  ['circular', setTo(() => circular)],
  ['a BigInt', setTo(() => 1n)],
  [
    'parsed where it is looked at, which throws',
    async (req) => {
      await readIt(req)
      Object.defineProperty(req, 'body', {
        get: () => {
          throw new Error('Invalid JSON')
        },
      })
    },
  ],
]

test.each(gone)('a body that is %s is a 400 at once', async (_, prepare) => {
  const { url, log } = await behind(prepare)
  await expectRefused(url)
  await eventually(() => log.length === 1)
  expect(log[0]).toMatchObject({ status: 400, code: 'body_already_read', outcome: 'failed' })
})

const touched: [what: string, prepare: (req: WithBody) => void | Promise<void>][] = [
  ['paused', (req) => void req.pause()],
  ['resumed', (req) => void req.resume()],
  ['set to text', (req) => void req.setEncoding('utf8')],
  ['set to base64', (req) => void req.setEncoding('base64')],
  ['set to hex', (req) => void req.setEncoding('hex')],
  ['also listened to', (req) => void req.on('data', () => undefined)],
  [
    'paused for a while',
    (req) => {
      req.pause()
      return new Promise((resolve) => setTimeout(resolve, 30))
    },
  ],
]

test.each(touched)('a body that was not read yet, though %s, is read', async (_, prepare) => {
  const { url, native } = await behind(prepare)
  const text = JSON.stringify(story({ stream: false, cache_salt: 'Grüße 🦊' }))
  await expectAnswered(url, text)
  await expectAnswered(url, text.padEnd(300_000))
  expect(native.submitted.map(({ cacheSalt }) => cacheSalt)).toEqual(['Grüße 🦊', 'Grüße 🦊'])
})

test('a request that was destroyed ends, as does one destroyed in its body', async () => {
  for (const [prepare, bytes] of [
    [(req: WithBody) => void req.destroy(), body],
    [(req: WithBody) => void setTimeout(() => req.destroy(new Error('mine')), 20), body.slice(9)],
  ] as const) {
    const { url, log } = await behind(prepare)
    const raw = await RawClient.connect(Number(new URL(url).port))
    const headers = { 'content-type': 'application/json', 'content-length': `${body.length}` }
    raw.send(request('POST', chatPath, '', headers) + bytes)
    await raw.closed()
    await eventually(() => log.length === 1)
    expect(log[0]?.status).toBe(0)
  }
})

test('a listener has a deadline of its own for bodies', async () => {
  const { listener, log, native } = await listenerWith({ requestTimeoutMs: 80 })
  const url = await listen(createHttpServer({ requestTimeout: 0, headersTimeout: 0 }, listener))
  const raw = await RawClient.connect(Number(new URL(url).port))
  const dribble = setInterval(() => raw.send(' '), 10)
  raw.send(post(chatPath, story()).slice(0, -50))
  await raw.seen('request_timeout')
  clearInterval(dribble)
  expect(raw.status).toBe(408)
  expect(raw.text).toMatch(/^connection: close\r$/im)
  await raw.closed()
  await eventually(() => log.length === 1)
  expect(log[0]).toMatchObject({ status: 408, code: 'request_timeout', route: chatPath })
  expect(native.submitted).toEqual([])
})
