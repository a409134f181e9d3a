import { createServer } from 'node:http'
import { serve as serveHono } from '@hono/node-server'
import { Hono } from 'hono'
import OpenAI from 'openai'
import { expect, test } from 'vitest'
import type { FetchHandler } from '../../../src/http/index.js'
import { bridge } from '../../support/adapters/bridge.js'
import { chatRequest, fakeHandler, piecesOf } from '../../support/adapters/handlers.js'
import { eventually, settle } from '../../support/eventually.js'
import { alsoClose, chatPath, closeAfterEach, counting, story } from '../../support/serve.js'
import { textOf } from '../../support/sse.js'
import { listen } from '../mounted/hosts.js'

// A handler in real hosts, each in the way that its users would mount it.

closeAfterEach()

interface Host {
  readonly name: string
  /** What requests have in front of the routes, as clients see it. */
  readonly path: string
  readonly prefix?: string
  /** @returns the address of the app */
  readonly start: (handler: FetchHandler) => Promise<string>
}

async function onHono(mount: (app: Hono) => void): Promise<string> {
  const app = new Hono()
  mount(app)
  const server = await new Promise<ReturnType<typeof serveHono>>((resolve) => {
    const options = { fetch: app.fetch, port: 0, hostname: '127.0.0.1' }
    const made = serveHono(options, ({ port }) => resolve(Object.assign(made, { port })))
  })
  alsoClose(async () => {
    if ('closeAllConnections' in server) server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server as unknown as { port: number }).port}`
}

const hosts: Host[] = [
  { name: 'node:http by a bridge', path: '', start: (one) => listen(createServer(bridge(one))) },
  {
    name: 'Hono',
    path: '',
    start: (handler) => onHono((app) => app.all('/v1/*', (c) => handler(c.req.raw))),
  },
  {
    name: 'Hono, with what it knows of the connection',
    path: '',
    start: (handler) =>
      onHono((app) => app.all('/v1/*', (c) => handler(c.req.raw, c.env as object))),
  },
  {
    name: 'Hono below a path',
    path: '/ai',
    prefix: '/ai',
    start: (handler) => onHono((app) => app.all('/ai/*', (c) => handler(c.req.raw))),
  },
  {
    name: 'Hono by mount(), which cuts the path',
    path: '/ai',
    start: (handler) => onHono((app) => app.mount('/ai', handler)),
  },
  {
    name: 'Hono behind a middleware that sets headers',
    path: '',
    start: (handler) =>
      onHono((app) => {
        app.use(async (c, next) => {
          await next()
          c.res.headers.set('x-mine', 'set')
        })
        app.all('/v1/*', (c) => handler(c.req.raw))
      }),
  },
]

test.each(hosts)('$name: whole, streamed, wrong and too large', async ({ path, prefix, start }) => {
  const options = { bodyBytesMax: 100_000, ...(prefix === undefined ? {} : { prefix }) }
  const { handler } = await fakeHandler(options)
  const base = `${await start(handler)}${path}`
  const client = new OpenAI({ apiKey: 'any', baseURL: `${base}/v1`, maxRetries: 0 })
  const messages = [{ role: 'user' as const, content: 'Tell me a story' }]
  const asked = { model: 'default', messages }
  const whole = await client.chat.completions.create(asked)
  expect(whole.choices[0]?.message.content).toBe('Once upon a time.')
  let text = ''
  for await (const chunk of await client.chat.completions.create({ ...asked, stream: true })) {
    text += chunk.choices[0]?.delta.content ?? ''
  }
  expect(text).toBe('Once upon a time.')
  expect((await client.models.list()).data[0]?.id).toBe('fake')
  const wrong = { ...asked, temperature: 'hot' as never }
  await expect(client.chat.completions.create(wrong)).rejects.toMatchObject({
    status: 400,
    param: 'temperature',
  })
  const large = { ...asked, user: 'x'.repeat(200_000) }
  await expect(client.chat.completions.create(large)).rejects.toMatchObject({ status: 413 })
  expect((await fetch(`${base}/v1/models`, { method: 'HEAD' })).status).toBe(200)
})

test.each(hosts)(
  '$name: frames come one by one, and a client that leaves ends it',
  async (host) => {
    const script = () => ({ tokens: counting() })
    const options = host.prefix === undefined ? {} : { prefix: host.prefix }
    const { handler, native, log } = await fakeHandler(options, { script, pace: 'manual' })
    const base = `${await host.start(handler)}${host.path}`
    for (const stream of [true, false]) {
      const client = new AbortController()
      const { method, headers } = chatRequest('')
      const body = JSON.stringify(story({ stream }))
      const init = { method, headers, body, signal: client.signal }
      const answered = fetch(`${base}${chatPath}`, init).catch(() => undefined)
      await eventually(() => {
        native.step()
        return native.stats().running === 1
      })
      const response = stream ? await answered : undefined
      const pieces = response && piecesOf(response)
      while (pieces !== undefined && textOf(pieces.text).length < 10) {
        native.step()
        await Promise.race([pieces.next(), settle(5)])
      }
      const ended = log.length
      client.abort()
      await eventually(() => native.cancelled.length === ended + 1, 'it was not cancelled')
      native.step()
      await eventually(() => log.length === ended + 1)
      expect(log.at(-1)).toMatchObject({ outcome: 'gone', status: stream ? 200 : 0 })
      expect(native.stats()).toMatchObject({ queued: 0, running: 0, parked: 0 })
    }
  },
)

test('a body that a middleware of Hono has read is a 400 that says so', async () => {
  const { handler } = await fakeHandler()
  const url = await onHono((app) =>
    app.all('/v1/*', async (c) => {
      await c.req.json()
      return handler(c.req.raw)
    }),
  )
  const { method, headers } = chatRequest('')
  const response = await fetch(url + chatPath, { method, headers, body: JSON.stringify(story()) })
  expect([response.status, await response.text()]).toEqual([
    400,
    expect.stringContaining('"code":"body_already_read"'),
  ])
})
