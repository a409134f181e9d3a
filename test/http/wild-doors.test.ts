import { hostname } from 'node:os'
import { describe, expect, test } from 'vitest'
import { apis } from '../../src/http/apis.js'
import { BodyBudget } from '../../src/http/door/body.js'
import { eventually } from '../support/eventually.js'
import { post, request } from '../support/raw-client.js'
import {
  chat,
  chatPath,
  closeAfterEach,
  postJson,
  type Served,
  serve,
  story,
} from '../support/serve.js'

// What real clients send to the door of a server that stands on their machine.

closeAfterEach()

async function answerTo(served: Served, text: string): Promise<{ status: number; text: string }> {
  const raw = await served.client()
  raw.send(text)
  await eventually(() => raw.text.includes('\r\n\r\n'), 'no answer')
  return { status: raw.status, text: raw.text }
}

describe('origins', () => {
  test.each([
    ['app://obsidian.md', 200],
    ['app://-', 200],
    ['tauri://localhost', 200],
    ['http://tauri.localhost', 200],
    ['https://tauri.localhost', 200],
    ['capacitor://localhost', 200],
    ['ionic://localhost', 200],
    ['http://localhost', 200],
    ['chrome-extension://abcdefghijklmnop', 200],
    ['moz-extension://1b2c-3d', 200],
    ['safari-web-extension://ABC', 200],
    ['vscode-webview://1q2w3e', 200],
    ['vscode-file://vscode-app', 200],
    ['null', 403],
    ['file://', 403],
    ['ipfs://bafy', 403],
    ['ftp://evil.example', 403],
    ['https://evil.example', 403],
    ['http://localhost.evil.example', 403],
    ['http://tauri.localhost.evil.example', 403],
    ['app://x/../evil', 403],
    ['xapp://evil', 403],
  ])('%s is answered with %d by default', async (origin, status) => {
    const served = await serve()
    const headers = { origin, host: 'localhost:8080' }
    const answer = await answerTo(served, post(chatPath, story({ stream: false }), headers))
    expect(answer.status).toBe(status)
    const allows = answer.text.includes(`access-control-allow-origin: ${origin}\r`)
    expect(allows).toBe(status === 200)
    expect(served.native.submitted).toHaveLength(status === 200 ? 1 : 0)
  })

  test.each([
    [['*'], ['https://evil.example', 'null', 'file://', 'ipfs://x'], []],
    [['null'], ['null'], ['file://', 'https://a.example']],
    [['file://'], ['file://'], ['null']],
    [['ipfs://*'], ['ipfs://bafy'], ['ipns://bafy']],
    [['http://localhost:*'], ['http://localhost:5173'], ['http://localhost.evil:1']],
    [['https://*.example.com'], ['https://a.example.com'], ['https://a.example.com.evil']],
    [['http://*.a.*:*'], ['http://x.a.y:1'], ['http://a.a:1', 'http://x.a.y:1/']],
  ])('%j lets in %j and not %j', async (allowOrigins, good, bad) => {
    const served = await serve({ server: { allowOrigins } })
    const statusOf = async (origin: string) => {
      return (await answerTo(served, request('GET', '/v1/models', '', { origin }))).status
    }
    for (const origin of good) expect([origin, await statusOf(origin)]).toEqual([origin, 200])
    for (const origin of bad) expect([origin, await statusOf(origin)]).toEqual([origin, 403])
  })

  test('a preflight from an app may reach into the network, with what SDKs send', async () => {
    const served = await serve({ server: { apiKeys: ['key'] } })
    const asked = 'authorization,content-type,x-stainless-os,x-stainless-retry-count,anthropic-beta'
    const headers = {
      origin: 'app://obsidian.md',
      'access-control-request-method': 'POST',
      'access-control-request-headers': asked,
      'access-control-request-private-network': 'true',
    }
    const answer = await answerTo(served, request('OPTIONS', chatPath, '', headers))
    expect(answer.status).toBe(204)
    expect(answer.text).toContain('access-control-allow-private-network: true')
    expect(answer.text).toContain(`access-control-allow-headers: ${asked}`)
    const foreign = { ...headers, origin: 'https://evil.example' }
    const refused = await answerTo(served, request('OPTIONS', chatPath, '', foreign))
    expect(refused.status).toBe(403)
    expect(refused.text).not.toContain('private-network')
  })
})

describe('hosts', () => {
  const models = (host: string, more = {}) => request('GET', '/v1/models', '', { host, ...more })

  test('may have any name where a key is needed, and the key is what counts', async () => {
    const served = await serve({ server: { apiKeys: ['key'] } })
    for (const host of ['api.example.com', '10.1.2.3:8080', '[fd00::1]:80']) {
      const bearer = { authorization: 'Bearer key' }
      expect((await answerTo(served, models(host, bearer))).status).toBe(200)
      expect((await answerTo(served, models(host))).status).toBe(401)
    }
  })

  test("must have the server's name where no key is needed, except for /health", async () => {
    const served = await serve({ server: { apiKeys: ['key'], openMetrics: true } })
    const at = (path: string) => request('GET', path, '', { host: 'evil.example' })
    expect((await answerTo(served, at('/metrics'))).status).toBe(403)
    expect((await answerTo(served, at('/health'))).status).toBe(200)
    expect((await answerTo(served, 'GET /health HTTP/1.0\r\n\r\n')).status).toBe(200)
  })

  test('are addresses, and no names, where a server is open to others without a key', async () => {
    const served = await serve({ server: { host: '0.0.0.0', allowUnauthenticated: true } })
    const own = [hostname(), '0.0.0.0:8080', '192.168.1.5', '[fe80::1]:80', 'box', 'box.local']
    for (const host of [...own, 'host.docker.internal', 'localhost']) {
      expect([host, (await answerTo(served, models(host))).status]).toEqual([host, 200])
    }
    for (const host of ['evil.example', '192.168.1.5.evil.example', 'a.local.evil']) {
      expect([host, (await answerTo(served, models(host))).status]).toEqual([host, 403])
    }
  })

  test('are a 400 where there are two', async () => {
    const two = 'GET /v1/models HTTP/1.1\r\nhost: localhost\r\nHost: localhost\r\n\r\n'
    expect((await answerTo(await serve(), two)).status).toBe(400)
  })

  test('in absolute form go before a header', async () => {
    const served = await serve()
    const absolute = (host: string) => {
      return `GET http://${host}/v1/models?x=1 HTTP/1.1\r\nhost: localhost\r\n\r\n`
    }
    expect((await answerTo(served, absolute('127.0.0.1:8080'))).status).toBe(200)
    expect((await answerTo(served, absolute('evil.example'))).status).toBe(403)
  })
})

describe('paths', () => {
  test.each([
    ...['/v1/models', '/models', '/v1/models/', '//v1/models', '/v1//models', '/v1/v1/models'],
    ...['/models/', '/v1/models/default', '/models/default', '/health/', '/v1/health'],
  ])('have GET %s answered', async (path) => {
    const { url } = await serve()
    expect((await fetch(url + path)).status).toBe(200)
    expect((await fetch(url + path, { method: 'HEAD' })).status).toBe(200)
  })

  test.each([
    '/chat/completions',
    '/v1/chat/completions/',
    '//chat/completions',
    '/v1/v1/chat/completions',
  ])('make POST %s a chat, counted as one', async (path) => {
    const served = await serve()
    expect((await postJson(served.url, path, story({ stream: false }))).status).toBe(200)
    await eventually(() => served.log.length === 1)
    expect(served.log[0]?.route).toBe('/v1/chat/completions')
  })

  test('lead to the other endpoints as well', async () => {
    const { url } = await serve()
    const ask = (path: string, body: object) => postJson(url, path, body)
    expect((await ask('/completions', { prompt: 'a' })).status).toBe(200)
    expect((await ask('/v1/tokenize', { content: 'a' })).status).toBe(200)
    expect((await fetch(`${url}/v2/models`)).status).toBe(404)
    expect((await fetch(`${url}/v1`)).status).toBe(404)
  })

  test('have OPTIONS say what may be asked, without a key', async () => {
    const { url } = await serve({ server: { apiKeys: ['key'] } })
    const options = async (path: string) => {
      const { status, headers } = await fetch(url + path, { method: 'OPTIONS' })
      return [status, headers.get('allow')]
    }
    expect(await options('/v1/models')).toEqual([204, 'GET, HEAD, OPTIONS'])
    expect(await options('/chat/completions')).toEqual([204, 'POST, OPTIONS'])
    expect((await options('/nowhere'))[0]).toBe(401)
  })
})

describe('keys', () => {
  const forms = [{ authorization: 'Bearer key' }, { 'x-api-key': 'key' }, { 'api-key': 'key' }]
  test.each(apis.map((api) => [api.routes[0]?.pattern ?? '', api] as const))(
    'are taken in each form by the protocol of %s, also from pages',
    (_path, { keyOf, keyHeaders }) => {
      expect(forms.map((headers) => keyOf(headers))).toEqual(['key', 'key', 'key'])
      expect(keyHeaders).toEqual(expect.arrayContaining(['authorization', 'x-api-key', 'api-key']))
    },
  )

  test('open /v1/systemone in another header than its own', async () => {
    const { url } = await serve({ server: { apiKeys: ['key'] } })
    const status = async (headers: Record<string, string>) => {
      return (await fetch(`${url}/v1/systemone`, { method: 'POST', headers, body: '{}' })).status
    }
    expect(await status({ 'x-api-key': 'key' })).toBe(422)
    expect(await status({ 'x-api-key': 'other' })).toBe(401)
  })

  test.each([
    [{ authorization: 'Bearer key' }, 200],
    [{ 'x-api-key': 'key' }, 200],
    [{ 'api-key': 'key' }, 200],
    [{ 'x-api-key': 'other' }, 401],
    [{ authorization: 'Bearer other', 'x-api-key': 'key' }, 401],
    [{}, 401],
  ])('%j is answered with %d', async (headers, status) => {
    const { url } = await serve({ server: { apiKeys: ['key'] } })
    expect(
      (await fetch(`${url}/v1/models`, { headers: headers as Record<string, string> })).status,
    ).toBe(status)
  })
})

describe('the model’s name', () => {
  test('may be left out, null or empty: the model that is there answers, by its own', async () => {
    const { url } = await serve()
    for (const model of [undefined, null, '']) {
      const response = await chat(url, story({ model, stream: false }))
      expect(response.status).toBe(200)
      expect(await response.json()).toMatchObject({ model: expect.stringMatching(/^fake$|./) })
    }
  })

  test('may be any where that is asked for, and is told that it may where it is not', async () => {
    const strict = await serve()
    const refused = await chat(strict.url, story({ model: 'gpt-4o-mini' }))
    expect(refused.status).toBe(404)
    expect(await refused.text()).toMatch(/any name \(anyModel\)\./)
    const { url, native } = await serve({ server: { anyModel: true } })
    const [, own] = await Promise.all([
      fetch(`${url}/v1/models/gpt-4o-mini`),
      fetch(`${url}/v1/models`),
    ])
    const { data } = (await own.json()) as { data: { id: string }[] }
    const answer = await chat(url, story({ model: 'gpt-4o-mini', stream: false }))
    expect(await answer.json()).toMatchObject({ model: data[0]?.id })
    expect(native.submitted).toHaveLength(1)
    expect((await fetch(`${url}/v1/models/gpt-4o-mini`)).status).toBe(200)
  })
})

describe('bodies', () => {
  test('of 32 MiB are read, and one byte more is a 413', async () => {
    const { url } = await serve()
    const fits = JSON.stringify(story({ stream: false })).padEnd(32 * 2 ** 20)
    expect((await chat(url, fits)).status).toBe(200)
    expect((await chat(url, `${fits} `)).status).toBe(413)
  })

  test('that are large count until their request is answered, and no longer', async () => {
    const { url } = await serve({ server: { bodyBytesMax: 2 ** 21 } }) // eight of them at once
    const body = story({ stream: false, padding: 'x'.repeat(1.5 * 2 ** 20) })
    for (let i = 0; i < 12; i++) {
      const response = await chat(url, body)
      await response.text()
      expect([i, response.status]).toEqual([i, 200])
    }
  })

  test('that are large share a budget, and give it back', () => {
    const budget = new BodyBudget(8 * 2 ** 20)
    const first = new AbortController()
    const room = budget.open(first.signal)
    room.grow(6 * 2 ** 20)
    const other = new AbortController()
    budget.open(other.signal).grow(2 ** 20) // small ones are not counted
    expect(() => budget.open(other.signal).grow(3 * 2 ** 20)).toThrow(
      expect.objectContaining({ kind: 'queue_full' }),
    )
    room.grow(2 * 2 ** 20)
    first.abort()
    expect(() => budget.open(other.signal).grow(8 * 2 ** 20)).not.toThrow()
  })
})
