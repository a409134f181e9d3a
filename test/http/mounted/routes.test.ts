import { createServer } from 'node:http'
import express from 'express'
import { describe, expect, test, vi } from 'vitest'
import { type ListenerOptions, requestListener } from '../../../src/http/index.js'
import { chat, chatPath, closeAfterEach, postJson, serve, story } from '../../support/serve.js'
import { listen } from './hosts.js'

// Which requests a listener takes, and which it leaves to the app that it is in.

closeAfterEach()

async function listenerWith(options: Partial<ListenerOptions> = {}) {
  const { engine, log } = await serve()
  const onLog: ListenerOptions['onLog'] = (entry) => log.push(entry)
  return { log, listener: requestListener({ engine, onLog, ...options }) }
}

async function plain(options: Partial<ListenerOptions>) {
  const { listener } = await listenerWith(options)
  return listen(createServer(listener))
}

const status = async (url: string, init?: RequestInit) => (await fetch(url, init)).status

describe('where there is a next()', () => {
  async function app(options: Partial<ListenerOptions> = {}, path = '/') {
    const { listener, log } = await listenerWith(options)
    const app = express()
    app.get('/health', (_req, res) => void res.send("the app's health"))
    app.use(path, listener)
    app.all('/mine', (_req, res) => void res.send("the app's"))
    app.get(chatPath, (_req, res) => void res.send("the app's page"))
    app.get('/embeddings', (_req, res) => void res.send("the app's page"))
    app.use((_req, res) => void res.status(404).send("the app's 404"))
    return { url: await listen(createServer(app)), log }
  }

  test('what no route fits goes on to the app, and leaves no trace', async () => {
    const { url, log } = await app({ apiKeys: ['key'] })
    for (const [path, method, expected] of [
      ['/mine', 'GET', "the app's"],
      ['/mine', 'POST', "the app's"],
      ['/mine/', 'GET', "the app's"],
      ['/nothing', 'GET', "the app's 404"],
      ['/v1/nothing', 'POST', "the app's 404"],
      [chatPath, 'GET', "the app's page"],
      ['/embeddings', 'GET', "the app's page"],
      ['/', 'GET', "the app's 404"],
    ] as const) {
      const response = await fetch(url + path, { method })
      expect([path, await response.text()]).toEqual([path, expected])
      expect(response.headers.get('x-request-id')).toBeNull()
    }
    expect(log).toEqual([])
    expect(await status(url + chatPath, { method: 'POST' })).toBe(401)
  })

  test('the order decides who answers a path of both, as ever in Express', async () => {
    const { url } = await app()
    expect(await (await fetch(`${url}/health`)).text()).toBe("the app's health")
    expect(await (await fetch(`${url}/v1/health`)).json()).toEqual({ status: 'ok' })
    const below = await app({}, '/ai')
    expect(await (await fetch(`${below.url}/ai/health`)).json()).toEqual({ status: 'ok' })
  })

  test('a preflight for a path of the listener is answered by it', async () => {
    const { url } = await app({ allowOrigins: ['https://app.example'] })
    const headers = {
      origin: 'https://app.example',
      'access-control-request-method': 'POST',
    }
    const preflight = await fetch(url + chatPath, { method: 'OPTIONS', headers })
    expect(preflight.status).toBe(204)
    expect(preflight.headers.get('access-control-allow-origin')).toBe('https://app.example')
  })

  test('what is not below the prefix goes on, though its path alone would fit', async () => {
    const { url, log } = await app({ prefix: '/ai' })
    for (const path of ['/v1/models', '/metrics', '/aim/v1/models', '/ai', '/x/ai/v1/models']) {
      expect([path, await status(url + path)]).toEqual([path, 404])
    }
    expect(log).toEqual([])
    expect(await status(`${url}/ai/v1/models`)).toBe(200)
  })

  test('what next() throws is its own affair, and it is called once without a value', async () => {
    const { listener } = await listenerWith()
    const next = vi.fn()
    const url = await listen(
      createServer((req, res) => {
        listener(req, res, next)
        res.end()
      }),
    )
    await fetch(`${url}/nothing`)
    expect(next).toHaveBeenCalledExactlyOnceWith()
  })
})

describe('a prefix', () => {
  test.each([
    ['/api/ai', ['/api/ai']],
    ['/api/ai/', ['/api/ai', '/api//ai/']],
    ['api', ['/api']],
    ['/:tenant/ai', ['/fox/ai', '/hen/ai']],
    ['/tenants/:tenant', ['/tenants/a%20b']],
    ['/größe', ['/gr%C3%B6%C3%9Fe']],
    ['/', ['']],
    ['', ['']],
  ])('%j is taken off', async (prefix, paths) => {
    const url = await plain({ prefix })
    for (const path of paths) {
      expect([path, await status(`${url}${path}/v1/models`)]).toEqual([path, 200])
      expect([path, await status(`${url}${path}/models?x=1`)]).toEqual([path, 200])
      expect([path, await status(`${url}${path}/v1/models/default`)]).toEqual([path, 200])
      expect([path, (await chat(url + path, story())).status]).toEqual([path, 200])
      expect([path, await status(`${url}${path}/health`)]).toEqual([path, 200])
    }
  })

  test('may have been taken off by somebody else', async () => {
    const url = await plain({ prefix: '/api/ai' })
    expect(await status(`${url}/v1/models`)).toBe(200)
  })

  test.each([
    ['/ai', '/ai', '/ai'],
    ['/api', '/api/ai', '/api/ai'],
    ['/api', '/ai', '/api/ai'],
  ])('below %j of Express that is %j means %j', async (mount, prefix, path) => {
    const { listener } = await listenerWith({ prefix })
    const url = await listen(createServer(express().use(mount, listener)))
    expect(await status(`${url}${path}/v1/models`)).toBe(200)
    expect(await status(`${url}/v1/models`)).toBe(404)
    expect(await status(`${url}${mount}/v1/models`)).toBe(prefix === mount ? 200 : 404)
  })

  test('is no part of another name, and a part of it cannot be empty', async () => {
    const url = await plain({ prefix: '/:tenant/ai' })
    for (const path of ['/fox/aim/v1/models', '/ai/v1/models', '/fox/x/ai/v1/models']) {
      expect([path, await status(url + path)]).toEqual([path, 404])
    }
  })

  test.each([
    ['a route of a framework', '/api/*'],
    ['one of Next', '/api/[...path]'],
    ['a whole address', 'http://localhost/api'],
    ['a query string', '/api?x'],
    ['blanks', '/a b'],
    ['a number', 5],
  ])('that is %s is refused', (_, prefix) => {
    const make = () => requestListener({ engine: Promise.race([]), prefix } as never)
    expect(make).toThrow(/^'prefix': expected a path .+ such as "\/api\/ai", but got .+\.$/)
  })

  test('that is missing is told of by the 404', async () => {
    const url = await plain({})
    const refused = await postJson(url, '/api/ai/v1/chat/completions', story())
    expect(refused.status).toBe(404)
    expect(await refused.text()).toMatch(/\('\/api\/ai'\) has to be cut off, or .+ prefix\./)
    const unknown = await postJson(url, '/api/ai/v1/nothing', story())
    expect(await unknown.text()).not.toContain('prefix')
  })
})

test.each([
  ["a web Request, as Hono's", new Request('http://localhost/')],
  ['nothing', undefined],
  ['a context', { req: {}, res: {} }],
  ['a wrapped Request', { raw: new Request('http://localhost/') }],
])('%s in the place of a request is refused by what is expected', async (_, req) => {
  const { listener } = await listenerWith()
  expect(() => listener(req as never, {} as never)).toThrow(
    /^'req': expected Node's own request, but got .+\.$/,
  )
})
