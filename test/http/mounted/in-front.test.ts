import { once } from 'node:events'
import { createServer, request as httpRequest } from 'node:http'
import http2 from 'node:http2'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import compression from 'compression'
import cors, { type CorsOptions } from 'cors'
import express from 'express'
import fastify from 'fastify'
import { describe, expect, test } from 'vitest'
import { type ListenerOptions, requestListener } from '../../../src/http/index.js'
import { eventually } from '../../support/eventually.js'
import { post, RawClient } from '../../support/raw-client.js'
import {
  alsoClose,
  chat,
  chatPath,
  closeAfterEach,
  counting,
  serve,
  stepUntil,
  story,
} from '../../support/serve.js'
import { textOf } from '../../support/sse.js'
import { listen } from './hosts.js'

// What other packages in front of a listener do with its answers, and what it leaves to them.

closeAfterEach()

const page = 'https://app.example'
const other = 'https://other.example'

async function behind(
  use: (app: express.Express) => void,
  options: Partial<ListenerOptions> = {},
  how: Parameters<typeof serve>[0] = {},
) {
  const { engine, native } = await serve(how)
  const app = express()
  use(app)
  app.use('/ai', requestListener({ engine, ...options }))
  return { native, url: `${await listen(createServer(app))}/ai` }
}

function from(origin: string, url: string): Promise<Response> {
  return chat(url, story({ stream: false }), { headers: { origin } })
}

describe('compression() in front', () => {
  test('packs whole answers, and lets a stream through as it is', async () => {
    const { url } = await behind((app) => app.use(compression({ threshold: 0 })))
    const packed = (path: string, body?: string) =>
      new Promise<string | undefined>((resolve, reject) => {
        const headers = { 'content-type': 'application/json', 'accept-encoding': 'gzip' }
        const options = { method: body === undefined ? 'GET' : 'POST', headers }
        const asked = httpRequest(url + path, options, (response) => {
          response.resume().on('end', () => resolve(response.headers['content-encoding']))
        })
        asked.on('error', reject).end(body)
      })
    expect(await packed('/v1/models')).toBe('gzip')
    expect(await packed(chatPath, JSON.stringify(story({ stream: false })))).toBe('gzip')
    expect(await packed(chatPath, JSON.stringify(story()))).toBeUndefined()
  })

  test('does not hide from the engine that a reader is behind', async () => {
    const long = 'x'.repeat(20_000)
    const script = () => ({ tokens: Array.from({ length: 5000 }, () => long) })
    const { url, native } = await behind((app) => app.use(compression()), {}, { script })
    const raw = await RawClient.connect(Number(new URL(url).port), { reads: false })
    alsoClose(async () => void raw.socket.destroy())
    raw.send(post(`/ai${chatPath}`, story()))
    await stepUntil(native, () => native.stats().parked === 1)
    expect(native.stats().tokensGenerated).toBeLessThan(1000)
  })
})

describe('cors() in front', () => {
  const withCors = (options?: CorsOptions) => behind((app) => app.use(cors(options)))

  test.each<[string, CorsOptions | undefined, string]>([
    ['any page', undefined, '*'],
    ['a page by its name', { origin: page }, page],
    ['the page that asks', { origin: true, credentials: true }, page],
  ])('that lets in %s has the say', async (_, options, allowed) => {
    const { url } = await withCors(options)
    const response = await from(page, url)
    expect(response.status).toBe(200)
    expect(response.headers.get('access-control-allow-origin')).toBe(allowed)
    const preflight = await fetch(url + chatPath, {
      method: 'OPTIONS',
      headers: { origin: page, 'access-control-request-method': 'POST' },
    })
    expect([preflight.status, preflight.headers.get('access-control-allow-origin')]).toEqual([
      204,
      allowed,
    ])
  })

  test('that names one page lets no other in', async () => {
    const { url, native } = await withCors({ origin: page })
    const refused = await from(other, url)
    expect(refused.status).toBe(403)
    expect(await refused.text()).toMatch(/can allow it \(allowOrigins\)\./)
    expect(native.submitted).toEqual([])
  })

  test('does not close what allowOrigins opens', async () => {
    const { url } = await behind((app) => app.use(cors({ origin: page })), {
      allowOrigins: [other],
    })
    for (const origin of [page, other]) {
      const response = await from(origin, url)
      expect(response.status).toBe(200)
      expect(response.headers.get('access-control-allow-origin')).toBe(origin)
    }
  })
})

test.each([
  [undefined, 'origin'],
  ['Origin', 'Origin'],
  ['Accept-Encoding', 'Accept-Encoding, origin'],
  ['accept, Cookie', 'accept, Cookie, origin'],
  ['*', '*'],
])('of a Vary header that was %j before, the names stay', async (before, after) => {
  const { url } = await behind((app) =>
    app.use((_req, res, next) => {
      if (before !== undefined) res.setHeader('Vary', before)
      next()
    }),
  )
  expect((await fetch(`${url}/health`)).headers.get('vary')).toBe(after)
})

test('an answer of something in front that lost its patience cancels the reply', async () => {
  let loses: () => void = () => undefined
  const patience = new Promise<void>((resolve) => {
    loses = resolve
  })
  const { url, native } = await behind(
    (app) =>
      app.use((_req, res, next) => {
        next()
        void patience.then(() => res.status(503).end('too slow'))
      }),
    {},
    { pace: 'manual', script: () => ({ tokens: counting() }) },
  )
  void eventually(() => native.submitted.length === 1).then(loses)
  const response = await chat(url, story({ stream: false }))
  expect([response.status, await response.text()]).toEqual([503, 'too slow'])
  await eventually(() => native.cancelled.length > 0, 'the reply goes on')
})

test.each([1, 'text', Buffer.from('{}'), {}])(
  'what a program keeps at req.raw is not taken for a request of a framework: %j',
  async (raw) => {
    const { url } = await behind((app) =>
      app.use((req, _res, next) => {
        Object.assign(req, { raw })
        next()
      }),
    )
    expect((await fetch(`${url}/v1/models`)).status).toBe(200)
  },
)

test("headers of Fastify's plugins go out with the answer, as do other hooks", async () => {
  const { engine, native } = await serve({
    pace: 'manual',
    script: () => ({ tokens: counting() }),
  })
  const app = fastify()
  const statuses: number[] = []
  app.addHook('onRequest', async (_request, reply) => {
    reply.header('access-control-allow-origin', page).header('vary', 'Accept').header('x-mine', '1')
  })
  app.addHook('onResponse', async (_request, reply) => void statuses.push(reply.raw.statusCode))
  app.all('/v1/*', requestListener({ engine }))
  alsoClose(() => app.close())
  const url = await app.listen({ port: 0, host: '127.0.0.1' })
  const asked = chat(url, story({ max_tokens: 2 }), { headers: { origin: page } })
  await stepUntil(native, () => native.stats().tokensGenerated >= 2)
  const response = await asked
  expect(await response.text()).toContain('[DONE]')
  expect(Object.fromEntries(response.headers)).toMatchObject({
    'access-control-allow-origin': page,
    vary: 'Accept, origin',
    'x-mine': '1',
  })
  await eventually(() => statuses.length === 1)
  expect(statuses).toEqual([200])
})

test('a request of HTTP/2 is told at once that it is none of 1.1', async () => {
  const { engine } = await serve()
  const server = http2.createServer(requestListener({ engine }) as never)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const client = http2.connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
  alsoClose(async () => {
    client.close()
    server.close()
  })
  const headers = { ':method': 'POST', ':path': chatPath, 'content-type': 'application/json' }
  const stream = client.request(headers).end(JSON.stringify(story()))
  const [answer] = (await once(stream, 'response')) as [http2.IncomingHttpHeaders]
  expect(answer[':status']).toBe(505)
  expect(await text(stream)).toContain('http_version_not_supported')
})

test("Fastify's inject() is answered, though there is no connection", async () => {
  const { engine } = await serve()
  const app = fastify()
  app.all('/v1/*', requestListener({ engine }))
  alsoClose(() => app.close())
  const ask = (payload: object) => app.inject({ method: 'POST', url: chatPath, payload })
  const whole = await ask(story({ stream: false }))
  expect([whole.statusCode, whole.json().choices[0].message.content]).toEqual([
    200,
    'Once upon a time.',
  ])
  expect(textOf((await ask(story())).body)).toBe('Once upon a time.')
})
