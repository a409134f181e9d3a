import { describe, expect, test, vi } from 'vitest'
import {
  type FetchHandler,
  type FetchHandlerOptions,
  fetchHandler,
} from '../../../src/http/index.js'
import { chatRequest, fakeHandler } from '../../support/adapters/handlers.js'
import { eventually } from '../../support/eventually.js'
import { alsoClose, chatPath, closeAfterEach, counting, story } from '../../support/serve.js'
import { textOf } from '../../support/sse.js'

// A handler as a program calls it, without a socket. What it has in common with the adapter for
// node:http is in the other files, which run over both.

closeAfterEach()

function get(path: string, headers: Record<string, string> = {}): Request {
  return new Request(`http://localhost${path}`, { headers })
}

const whole = JSON.stringify(story({ stream: false }))

async function codeOf(response: Response): Promise<[number, string]> {
  const { error } = (await response.json()) as { error: { code: string } }
  return [response.status, error.code]
}

test('answers with what a server would: a status, headers and a body', async () => {
  const { handler, log } = await fakeHandler()
  const response = await handler(chatRequest(whole))
  expect(response).toBeInstanceOf(Response)
  expect(response.status).toBe(200)
  expect(response.headers.get('content-type')).toBe('application/json; charset=utf-8')
  const text = await response.clone().text()
  expect(response.headers.get('content-length')).toBe(`${Buffer.byteLength(text)}`)
  expect(await response.json()).toMatchObject({
    choices: [{ message: { content: 'Once upon a time.' } }],
  })
  const streamed = await handler(chatRequest(JSON.stringify(story())))
  expect(streamed.headers.get('content-length')).toBeNull()
  expect(textOf(await streamed.text())).toBe('Once upon a time.')
  await eventually(() => log.length === 2)
  expect(log.map(({ outcome, completionTokens }) => [outcome, completionTokens])).toEqual([
    ['done', 4],
    ['done', 4],
  ])
})

test('a HEAD has the headers of a GET, and no body', async () => {
  const { handler } = await fakeHandler()
  const request = new Request('http://localhost/health', { method: 'HEAD' })
  const [head, full] = [await handler(request), await handler(get('/health'))]
  expect(head.body).toBeNull()
  expect(head.headers.get('content-length')).toBe(full.headers.get('content-length'))
})

test('no answer has a header of a connection, which HTTP/2 knows none of', async () => {
  const { handler } = await fakeHandler()
  await handler.drain()
  for (const path of ['/health', '/v1/models', '/nowhere']) {
    expect((await handler(get(path))).headers.has('connection')).toBe(false)
  }
})

test.each<[string, unknown]>([
  ['nothing', undefined],
  ['an address', 'http://localhost/health'],
  ["a framework's context", { req: { raw: get('/health') } }],
  ["Node's own request", { url: '/health', headers: { host: 'localhost' } }],
])('what is no Request but %s is refused by its name', async (_, request) => {
  const { handler } = await fakeHandler()
  const error = { code: 'ERR_INVALID_OPTION', option: 'request' }
  await expect(handler(request as Request)).rejects.toMatchObject(error)
})

test('options of a whole server are none of a handler', async () => {
  const { engine } = await fakeHandler()
  for (const option of ['port', 'host', 'keepAliveMs', 'sendBufferBytes', 'allowUnauthenticated']) {
    const options = { engine, [option]: 1 } as FetchHandlerOptions
    expect(() => fetchHandler(options)).toThrow(
      expect.objectContaining({ code: 'ERR_INVALID_OPTION', option }),
    )
  }
  expect(() => fetchHandler(engine as never)).toThrow(/'options'.*the engine itself/)
})

describe('a path', () => {
  test('may have a prefix in front, as the option says, and part of it be anything', async () => {
    const { handler } = await fakeHandler({ prefix: '/api/:tenant/ai' })
    for (const path of ['/api/fox/ai/v1/models', '/api/owl/ai/models?x=1', '/v1/models']) {
      expect([path, (await handler(get(path))).status]).toEqual([path, 200])
    }
    const other = await handler(get('/other/fox/ai/v1/models'))
    expect(await codeOf(other)).toEqual([404, 'route_not_found'])
  })
})

describe('a body', () => {
  const readBefore: [what: string, prepare: (request: Request) => unknown][] = [
    ['was read', (request) => request.text()],
    ['is being read by somebody else', (request) => request.body?.getReader()],
    [
      'was read in part',
      async (request) => {
        const reader = request.body?.getReader()
        await reader?.read()
        reader?.releaseLock()
      },
    ],
  ]

  test.each(readBefore)('that %s is a 400 that says what to do', async (_, prepare) => {
    const { handler, native } = await fakeHandler()
    const request = chatRequest(whole)
    await prepare(request)
    const response = await handler(request)
    expect(await response.clone().text()).toContain('request.clone()')
    expect(await codeOf(response)).toEqual([400, 'body_already_read'])
    expect(native.submitted).toEqual([])
  })

  test('whose clone was read is read', async () => {
    const { handler } = await fakeHandler()
    const request = chatRequest(whole)
    await request.clone().json()
    expect((await handler(request)).status).toBe(200)
  })

  test('that is missing, or is none of bytes, is a 400', async () => {
    const { handler } = await fakeHandler()
    const none = new Request(`http://localhost${chatPath}`, { method: 'POST' })
    expect(await (await handler(none)).text()).toContain('it is empty')
    const words = new ReadableStream({
      start(controller) {
        controller.enqueue('{"messages":')
      },
    })
    const response = await handler(chatRequest(words))
    expect([response.status, await response.text()]).toEqual([
      400,
      expect.stringContaining('a body of bytes'),
    ])
  })

  test('is counted as it comes, and no more of it is read than may come', async () => {
    const { handler } = await fakeHandler({ bodyBytesMax: 1000 })
    let pulls = 0
    const endless = new ReadableStream(
      {
        pull(controller) {
          pulls++
          controller.enqueue(new Uint8Array(100).fill(0x20))
        },
      },
      { highWaterMark: 0 },
    )
    expect(await codeOf(await handler(chatRequest(endless)))).toEqual([413, 'body_too_large'])
    expect(pulls).toBe(11)
    const announced = chatRequest('{}', { headers: { 'content-length': '1001' } })
    expect(await codeOf(await handler(announced))).toEqual([413, 'body_too_large'])
  })

  test('that takes too long to arrive is a 408', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    alsoClose(async () => void vi.useRealTimers())
    const { handler, log } = await fakeHandler({ requestTimeoutMs: 500 })
    const answered = handler(chatRequest(new ReadableStream()))
    await vi.advanceTimersByTimeAsync(500)
    expect(await codeOf(await answered)).toEqual([408, 'request_timeout'])
    expect(log[0]).toMatchObject({ route: chatPath, status: 408 })
  })

  test('that breaks off starts nothing, and counts as a client that left', async () => {
    const { handler, log, native } = await fakeHandler()
    const broken = new ReadableStream({
      start(controller) {
        controller.enqueue(new TextEncoder().encode('{"messages":'))
      },
      pull(controller) {
        controller.error(new Error('aborted'))
      },
    })
    expect((await handler(chatRequest(broken))).status).toBe(499)
    expect(log).toMatchObject([{ outcome: 'gone', status: 0 }])
    expect(native.submitted).toEqual([])
  })
})

describe('without keys', () => {
  const models = '/v1/models'
  const at = (url: string, headers: Record<string, string> = {}) => new Request(url, { headers })

  test('the name that was asked for has to be of this machine, or allowed', async () => {
    const { handler } = await fakeHandler({ allowHosts: ['app.example'] })
    for (const [request, status] of [
      [at(`http://127.0.0.1:3000${models}`), 200],
      [at(`https://app.example${models}`), 200],
      [at(`http://evil.example${models}`), 403],
      [at(`http://192.168.1.5${models}`), 403],
      // Hosts put a name of their own into the URL: what the client asked is in the header.
      [at(`http://localhost${models}`, { host: 'evil.example' }), 403],
      [at(`http://0.0.0.0:3000${models}`, { host: 'app.example' }), 200],
    ] as const) {
      expect([request.url, (await handler(request)).status]).toEqual([request.url, status])
    }
    const keyed = await fakeHandler({ apiKeys: ['key'] })
    const headers = { authorization: 'Bearer key' }
    expect((await keyed.handler(at(`http://evil.example${models}`, headers))).status).toBe(200)
  })

  /** As each server hands over what it knows of a request's other end. */
  const peers: [server: string, host: (address: string) => object][] = [
    ['Deno', (hostname) => ({ remoteAddr: { transport: 'tcp', hostname, port: 1 } })],
    ['Bun', (address) => ({ requestIP: () => ({ address, family: 'IPv4', port: 1 }) })],
    ['Hono on Node', (remoteAddress) => ({ incoming: { socket: { remoteAddress } } })],
  ]

  test.each(peers)(
    'another machine has no right to localhost, where %s tells it',
    async (_, of) => {
      const { handler } = await fakeHandler()
      const from = async (address: string) => {
        const response = await handler(get(models), of(address))
        return response.status === 200 ? 200 : codeOf(response)
      }
      for (const here of ['127.0.0.1', '::1', '::ffff:127.0.0.1'])
        expect(await from(here)).toBe(200)
      for (const there of ['192.168.1.9', '::ffff:10.0.0.1', 'fe80::1', '172.17.0.1']) {
        expect(await from(there)).toEqual([403, 'host_not_allowed'])
      }
      expect((await handler(get('/health'), of('192.168.1.9'))).status).toBe(200)
    },
  )

  test.each(peers)(
    'another machine may ask it by allowHosts, or with a key, behind %s',
    async (_, of) => {
      const allowed = await fakeHandler({ allowHosts: ['localhost'] })
      expect((await allowed.handler(get(models), of('172.17.0.1'))).status).toBe(200)
      const keyed = await fakeHandler({ apiKeys: ['key'] })
      const request = get(models, { authorization: 'Bearer key' })
      expect((await keyed.handler(request, of('172.17.0.1'))).status).toBe(200)
    },
  )

  test('what else is handed over beside a request is left alone', async () => {
    const { handler } = await fakeHandler()
    const nextContext = { params: Promise.resolve({ path: ['v1', 'models'] }) }
    const others = [
      nextContext,
      undefined,
      null,
      'env',
      { requestIP: () => null },
      { incoming: null },
    ]
    const unix = { remoteAddr: { transport: 'unix', path: '/run/app' } }
    for (const host of [...others, unix]) {
      expect((await handler(get(models), host)).status).toBe(200)
    }
  })
})

describe('at its end', () => {
  test('a handler drains as a server does, and leaves the engine open', async () => {
    const { handler, engine } = await fakeHandler()
    await handler.drain()
    expect(await codeOf(await handler(get('/health')))).toEqual([503, 'shutting_down'])
    expect(await codeOf(await handler(chatRequest(whole)))).toEqual([503, 'shutting_down'])
    expect((await engine.complete('x').done).finishReason).toBe('stop')
  })

  test('close() and `await using` are a drain with no time left', async () => {
    for (const end of [
      (handler: FetchHandler) => handler.close(),
      (handler: FetchHandler) => handler[Symbol.asyncDispose](),
    ]) {
      const { handler, native } = await fakeHandler({}, { script: () => ({ tokens: counting() }) })
      const response = await handler(chatRequest(JSON.stringify(story())))
      await end(handler)
      expect(await response.text()).toContain('"code":"shutting_down"')
      expect(native.cancelled).toHaveLength(1)
    }
    const { handler } = await fakeHandler()
    const wrongly = handler.close as (options: object) => Promise<void>
    await expect(wrongly({ deadlineMs: 1 })).rejects.toMatchObject({
      code: 'ERR_INVALID_OPTION',
    })
  })
})
