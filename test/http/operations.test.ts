import { once } from 'node:events'
import { createServer as createHttpServer } from 'node:http'
import { type AddressInfo, Socket } from 'node:net'
import { describe, expect, test, vi } from 'vitest'
import type { NativeRequest } from '../../src/binding/engine-port.js'
import { load } from '../../src/engine/load.js'
import { createServer, requestListener } from '../support/adapters/adapter.js'
import { eventually, settle } from '../support/eventually.js'
import { post, RawClient, request } from '../support/raw-client.js'
import {
  alsoClose,
  chat,
  chatPath,
  closeAfterEach,
  counting,
  serve,
  stepUntil,
  story,
} from '../support/serve.js'
import { chunksOf, textOf, type Usage } from '../support/sse.js'
import { wireCheck } from '../support/wire/checks.mjs'

closeAfterEach()

const endless = () => ({ tokens: counting() })

describe(wireCheck(41), () => {
  test('a drain refuses new requests, finishes the running ones, and then closes', async () => {
    const { native, client, server } = await serve({ pace: 'manual', script: endless })
    const running = await client()
    running.send(post(chatPath, story({ max_tokens: 10 })))
    await stepUntil(native, () => running.text.includes('"0 "'))
    const drained = server.drain({ deadlineMs: 60_000 })
    const refused = [await client(), await client()]
    refused[0]?.send(request('GET', '/health'))
    refused[1]?.send(post(chatPath, story()))
    for (const raw of refused) {
      await raw.closed()
      expect(raw.status).toBe(503)
      expect(raw.text).toContain('"code":"shutting_down"')
      expect(raw.text).toMatch(/^connection: close\r$/im)
    }
    expect(native.submitted).toHaveLength(1)
    await stepUntil(native, () => running.text.includes('[DONE]'))
    expect(textOf(running.body)).toBe('0 1 2 3 4 5 6 7 8 9 ')
    await drained
    await running.closed()
    expect(server.server.listening).toBe(false)
  })

  test('the deadline ends the rest with an error frame, and without [DONE]', async () => {
    const { native, client, server } = await serve({ pace: 'manual', script: endless })
    const [streamed, whole] = [await client(), await client()]
    streamed.send(post(chatPath, story()))
    whole.send(post(chatPath, story({ stream: false })))
    await stepUntil(native, () => streamed.text.includes('"0 "') && native.stats().running === 2)
    await server.drain({ deadlineMs: 1 })
    await streamed.seen('shutting_down')
    expect(chunksOf(streamed.body).at(-1)?.error).toMatchObject({
      type: 'server_error',
      code: 'shutting_down',
    })
    expect(streamed.text).not.toContain('[DONE]')
    await whole.seen('shutting_down')
    expect(whole.status).toBe(503)
    expect(native.cancelled).toHaveLength(2)
  })

  test('the deadline also answers a request that is still being sent', async () => {
    const { client, server } = await serve()
    const raw = await client()
    const begun = once(server.server, 'request')
    raw.send(post(chatPath, story()).slice(0, -10))
    await begun
    const drained = server.drain({ deadlineMs: 1 })
    await raw.seen('"code":"shutting_down"')
    expect(raw.status).toBe(503)
    await drained
  })
})

test('a server whose engine is closed says so at /health', async () => {
  const { engine, url } = await serve()
  await engine.close()
  const response = await fetch(`${url}/health`)
  expect(response.status).toBe(503)
  expect(await response.text()).toContain('shutting_down')
})

describe(wireCheck(41), () => {
  test('a drain does not wait for connections that have nothing in flight', async () => {
    const { client, server } = await serve()
    const [silent, dribbling] = [await client(), await client()]
    dribbling.send('GET /health HTTP/1.1\r\nhost: loc')
    await settle()
    await server.drain({ deadlineMs: 60_000 })
    await silent.closed()
    await dribbling.closed()
  })
})

test('a request that is on its way when a drain begins is answered, and not cut off', async () => {
  const { client, server } = await serve()
  const [raw] = await Promise.all([client(), once(server.server, 'connection')])
  const drained = server.drain({ deadlineMs: 60_000 })
  raw.send(post(chatPath, story()))
  await raw.closed()
  expect(raw.status).toBe(503)
  expect(raw.text).toContain('"code":"shutting_down"')
  await drained
})

describe(wireCheck(42), () => {
  test('six requests, streamed and not, go over one connection', async () => {
    const { server, client } = await serve()
    let connections = 0
    server.server.on('connection', () => connections++)
    const raw = await client()
    for (let i = 1; i <= 6; i++) {
      raw.send(post(chatPath, story({ stream: i % 2 === 0 })))
      const endings = () => raw.text.match(/\[DONE\]\n\n\r\n0\r\n\r\n|"total_tokens":8/g)?.length
      await eventually(() => endings() === i, 'a response did not come')
    }
    expect(connections).toBe(1)
  })
})

describe(wireCheck(43), () => {
  test('every start has its end after a mixed crowd, and all gauges are at rest', async () => {
    const end = { code: 'ERR_ENGINE_FAILED' as const, message: 'failed' }
    const scripts = [{ tokens: ['a'] }, { tokens: ['a'], end }]
    // Every third one is left by its client.
    const script = ({ id }: NativeRequest) => scripts[(id % 3) - 1] ?? endless()
    const { native, client, log, url } = await serve({ script })
    const crowd: RawClient[] = []
    for (let i = 0; i < 30; i++) {
      const raw = await client()
      raw.send(post(chatPath, story({ stream: i % 2 === 0 })))
      // One after the other: which request is whose is known by its number.
      await eventually(() => native.submitted.length > i)
      crowd.push(raw)
    }
    for (const [i, raw] of crowd.entries()) if (i % 3 === 2) raw.reset()
    await eventually(() => log.length === 30, 'not all requests ended')
    await settle()
    const stats = native.stats()
    expect(stats).toMatchObject({ queued: 0, running: 0, parked: 0, cellsUsed: 0, started: 30 })
    expect(stats.finished + stats.cancelled + stats.failed).toBe(30)
    expect(stats.cancelled).toBe(10)
    expect((await chat(url, story({ max_tokens: 1 }))).status).toBe(200)
  })
})

test('/health and requests get 503 and a Retry-After while the model loads', async () => {
  const { addon, native } = await serve({ pace: 'manual' })
  let loaded!: (engine: Awaited<ReturnType<typeof load>>) => void
  const engine = new Promise<Awaited<ReturnType<typeof load>>>((resolve) => {
    loaded = resolve
  })
  const server = createServer({ engine, port: 0 })
  const { url } = await server.listen()
  alsoClose(() => server.close())
  for (const response of [await fetch(`${url}/health`), await chat(url, story())]) {
    expect(response.status).toBe(503)
    expect(response.headers.get('retry-after')).toBe('1')
    expect(await response.json()).toMatchObject({ error: { code: 'loading' } })
  }
  const one = await load({ model: 'other.gguf' })
  alsoClose(() => one.close())
  loaded(one)
  await settle()
  expect((await fetch(`${url}/health`)).status).toBe(200)
  expect(await (await fetch(`${url}/v1/models`)).text()).toContain('"other"')
  expect(addon.engines).toHaveLength(2)
  expect(native.submitted).toEqual([])
})

test('a reason that the engine was rejected with is a 503 with nothing of it', async () => {
  const engine = Promise.reject(new Error('secret path'))
  const server = createServer({ engine, port: 0, onEngineError: () => undefined })
  const { url } = await server.listen()
  alsoClose(() => server.close())
  const response = await fetch(`${url}/health`)
  expect(response.status).toBe(503)
  expect(await response.text()).not.toContain('secret')
})

test('a model answers to its file name, its aliases and default, and echoes them', async () => {
  const { url } = await serve({ server: { aliases: ['gemma-4-26b', 'org/model'] } })
  const list = await (await fetch(`${url}/v1/models`)).json()
  const names = ['fake', 'gemma-4-26b', 'org/model', 'default']
  const meta = {
    n_vocab: 512,
    n_ctx: 2048,
    n_ctx_train: 2048,
    n_params: 1_000_000,
    size: 4_000_000,
  }
  expect(list).toMatchObject({
    object: 'list',
    data: names.map((id) => ({ id, object: 'model', meta })),
  })
  for (const model of names) {
    const one = await fetch(`${url}/v1/models/${encodeURIComponent(model)}`)
    expect(await one.json()).toMatchObject({ id: model, owned_by: 'sluice', meta })
    const reply = await (await chat(url, story({ model, stream: false }))).json()
    expect(reply).toMatchObject({ model, object: 'chat.completion' })
  }
  for (const wrong of ['nope', '%zz', 'fake%2F']) {
    expect((await fetch(`${url}/v1/models/${wrong}`)).status).toBe(404)
  }
})

test('a reply that is not streamed carries text, usage and one finish reason', async () => {
  const { url } = await serve()
  const reply = await (await chat(url, story({ stream: false }))).json()
  expect(reply).toMatchObject({
    id: expect.stringMatching(/^chatcmpl-/),
    choices: [
      {
        index: 0,
        message: { role: 'assistant', content: 'Once upon a time.', refusal: null },
        logprobs: null,
        finish_reason: 'stop',
      },
    ],
    usage: { prompt_tokens: 4, completion_tokens: 4, total_tokens: 8 },
  })
})

test('the cached part of a prompt is in the usage, streamed and not', async () => {
  const { url } = await serve({ script: () => ({ tokens: ['a'], cachedTokens: 3 }) })
  const details = { prompt_tokens_details: { cached_tokens: 3 } }
  const whole = (await (await chat(url, story({ stream: false }))).json()) as { usage: Usage }
  expect(whole.usage).toMatchObject({ prompt_tokens: 4, ...details })
  const asked = story({ stream_options: { include_usage: true } })
  const chunks = chunksOf(await (await chat(url, asked)).text())
  expect(chunks.at(-1)?.usage).toMatchObject({ prompt_tokens: 4, ...details })
})

test('a cache_salt reaches the engine as it is; without one there is none', async () => {
  const { url, native } = await serve({ server: { apiKeys: ['key'] } })
  const headers = { authorization: 'Bearer key' }
  await (await chat(url, story(), { headers })).text()
  await (await chat(url, story({ cache_salt: 'mine' }), { headers })).text()
  expect(native.submitted.map(({ cacheSalt }) => cacheSalt)).toEqual(['', 'mine'])
})

test('only one key with one cache_salt shares its prompts where keys are isolated', async () => {
  const apiKeys = ['key-1', 'key-2']
  const { url, native } = await serve({ server: { apiKeys, isolateKeys: true } })
  const saltOf = async (key: string, more: object = {}): Promise<string> => {
    const headers = { authorization: `Bearer ${key}` }
    expect((await chat(url, story({ stream: false, ...more }), { headers })).status).toBe(200)
    return native.submitted.at(-1)?.cacheSalt ?? ''
  }
  const first = await saltOf('key-1')
  expect(await saltOf('key-1')).toBe(first)
  const others = [
    await saltOf('key-2'),
    await saltOf('key-1', { cache_salt: 'a' }),
    await saltOf('key-2', { cache_salt: 'a' }),
    await saltOf('key-2', { cache_salt: first }),
  ]
  expect(new Set([first, ...others]).size).toBe(5)
  expect([first, ...others].join()).not.toMatch(/key|^$/)
})

describe(wireCheck(18), () => {
  test('a reply ends with `length` at its very limit, or that of the server', async () => {
    const { url, native } = await serve({ script: endless, server: { maxTokens: 7 } })
    for (const [limit, tokens] of [
      [{ max_tokens: 3 }, 3],
      [{ max_completion_tokens: 5, max_tokens: 3 }, 5],
      [{}, 7],
      [{ max_tokens: null }, 7],
    ] as const) {
      const reply = (await (await chat(url, story({ stream: false, ...limit }))).json()) as {
        choices: [{ finish_reason: string }]
        usage: { completion_tokens: number }
      }
      expect(reply.choices[0].finish_reason).toBe('length')
      expect(reply.usage.completion_tokens).toBe(tokens)
      expect(native.submitted.at(-1)?.maxTokens).toBe(tokens)
    }
  })
})

test('a stream alone has a send buffer of 16 KiB unless another is asked for', async () => {
  const { addon, client } = await serve()
  const raw = await client()
  raw.send(post(chatPath, story({ stream: false })))
  await raw.seen('chat.completion')
  expect(addon.sendBuffers).toEqual([])
  raw.send(post(chatPath, story()) + post(chatPath, story()))
  await eventually(() => raw.text.match(/\[DONE\]/g)?.length === 2)
  expect(addon.sendBuffers).toEqual([{ fd: expect.any(Number), bytes: 16 * 1024 }])
  expect(addon.sendBuffers[0]?.fd).toBeGreaterThan(2)
  const other = await serve({ server: { sendBufferBytes: 0 } })
  await (await chat(other.url, story())).text()
  expect(other.addon.sendBuffers).toEqual([])
})

test('a client that vanished is given up as one that reads nothing', async () => {
  const keepAlive = vi.spyOn(Socket.prototype, 'setKeepAlive')
  const { addon, client } = await serve({ server: { readerStallMs: 30_000 } })
  for (let i = 1; i <= 2; i++) {
    const raw = await client()
    raw.send(post(chatPath, story({ stream: false })) + post(chatPath, story()))
    await raw.seen('[DONE]')
    expect(addon.userTimeouts).toEqual(Array(i).fill(30_000))
    expect(keepAlive).toHaveBeenCalledTimes(i)
    expect(keepAlive).toHaveBeenLastCalledWith(true, 20_000) // and ten questions, a second each
  }
  keepAlive.mockRestore()
})

test('what else an app sends on a connection has the time that the app gives it', async () => {
  const { engine, addon } = await serve()
  const listener = requestListener({ engine, readerStallMs: 30_000 })
  const server = createHttpServer((req, res) => {
    if (req.url === '/mine') res.end(`${addon.userTimeouts}`)
    else listener(req, res)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  alsoClose(async () => void server.close())
  const raw = await RawClient.connect((server.address() as AddressInfo).port)
  raw.send(post(chatPath, story({ stream: false })))
  await raw.seen('Once upon a time.')
  await eventually(() => addon.userTimeouts.length === 2)
  raw.send(request('GET', '/mine'))
  await raw.seen('30000,0')
  raw.send(post(chatPath, story()))
  await raw.seen('[DONE]')
  await eventually(() => addon.userTimeouts.length === 4)
  expect(addon.userTimeouts).toEqual([30_000, 0, 30_000, 0])
  raw.socket.destroy()
})

test('a large reply on a connection that streamed has a large send buffer again', async () => {
  const { addon, client } = await serve()
  const raw = await client()
  raw.send(post(chatPath, story()))
  await raw.seen('[DONE]')
  raw.send(post('/tokenize', { content: 'x' }))
  await raw.seen('"tokens":[120]')
  expect(addon.sendBuffers).toHaveLength(1)
  raw.send(post('/tokenize', { content: 'x'.repeat(10_000) }))
  await raw.seen(',120,120,120]}')
  expect(addon.sendBuffers[1]).toMatchObject({ fd: addon.sendBuffers[0]?.fd })
  expect(addon.sendBuffers[1]?.bytes).toBeGreaterThan(4 * 1024 * 1024)
  raw.send(post(chatPath, story()))
  await eventually(() => addon.sendBuffers.length === 3)
  expect(addon.sendBuffers[2]).toEqual(addon.sendBuffers[0])
})

test('writeBufferBytes bounds the bytes that wait in the process for a reader', async () => {
  const { server, client } = await serve({ server: { writeBufferBytes: 1000 } })
  const marks: number[] = []
  server.server.on('connection', (socket) => marks.push(socket.writableHighWaterMark))
  await client()
  await eventually(() => marks.length === 1)
  expect(marks).toEqual([1000])
})

test('a server that cannot set the send buffer says so and serves', async () => {
  const { engine, addon } = await serve()
  const warn = vi.spyOn(process, 'emitWarning').mockImplementation(() => undefined)
  alsoClose(async () => warn.mockRestore())
  addon.sendBufferError = new Error('no such descriptor')
  const server = createServer({ engine, port: 0 })
  const { url } = await server.listen()
  alsoClose(() => server.close())
  for (let i = 0; i < 2; i++) await (await chat(url, story())).text()
  expect(warn).toHaveBeenCalledExactlyOnceWith(
    expect.any(String),
    expect.objectContaining({ code: 'SLUICE_SEND_BUFFER', detail: 'no such descriptor' }),
  )
  expect((await fetch(`${url}/health`)).status).toBe(200)
})

test("a listener serves inside a server of one's own, with the same door", async () => {
  const { engine } = await serve()
  const server = createHttpServer(requestListener({ engine, apiKeys: ['key'] }))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  alsoClose(async () => void server.close())
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  expect((await chat(url, story())).status).toBe(401)
  const reply = await chat(url, story(), { headers: { authorization: 'Bearer key' } })
  expect(textOf(await reply.text())).toBe('Once upon a time.')
})

test('the log has one entry per request, and no prompt, key or query string', async () => {
  const { url, log } = await serve({ server: { apiKeys: ['sesame-key'] } })
  const headers = { authorization: 'Bearer sesame-key' }
  await (await chat(`${url}`, story(), { headers })).text()
  await (await fetch(`${url}/v1/models/default?q=hidden`, { headers })).text()
  await (await fetch(`${url}/nowhere?q=hidden`, { headers })).text()
  await eventually(() => log.length === 3)
  expect(log).toMatchObject([
    { route: chatPath, status: 200, outcome: 'done', promptTokens: 4, completionTokens: 4 },
    { route: '/v1/models/{id}', status: 200, outcome: 'done', code: undefined },
    { route: undefined, status: 404, outcome: 'failed', code: 'route_not_found' },
  ])
  expect(JSON.stringify(log)).not.toMatch(/sesame|hidden|story/)
})

test('a HEAD is a GET without its body', async () => {
  const { url } = await serve()
  const response = await fetch(`${url}/health`, { method: 'HEAD' })
  expect(response.status).toBe(200)
  expect(await response.text()).toBe('')
})
