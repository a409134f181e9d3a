import { networkInterfaces } from 'node:os'
import { describe, expect, test } from 'vitest'
import { createServer } from '../../src/http/index.js'
import { eventually } from '../support/eventually.js'
import { post, request } from '../support/raw-client.js'
import { chatPath, closeAfterEach, type Served, serve, story } from '../support/serve.js'
import { wireCheck } from '../support/wire/checks.mjs'

closeAfterEach()

async function answerTo(served: Served, text: string): Promise<{ status: number; text: string }> {
  const raw = await served.client()
  raw.send(text)
  await eventually(() => raw.text.includes('\r\n\r\n'), 'no answer')
  return { status: raw.status, text: raw.text }
}

test.each([
  ['localhost', 200],
  ['localhost:1234', 200],
  ['LOCALHOST', 200],
  ['127.0.0.1:8080', 200],
  ['127.8.9.10', 200],
  ['[::1]:8080', 200],
  ['[::ffff:127.0.0.1]', 200],
  ['my.host:99', 200],
  ['evil.example', 403],
  ['localhost.evil.example', 403],
  ['127.0.0.1.evil.example', 403],
  ['127.1', 403],
  ['localhost@evil.example', 403],
  ['192.168.1.1', 403],
  ['[::2]', 403],
  ['', 403],
])('the Host header %j is answered with %d, and /health to every name', async (host, status) => {
  const served = await serve({ server: { allowHosts: ['My.Host'] } })
  const answer = await answerTo(served, request('GET', '/v1/models', '', { host }))
  expect(answer.status).toBe(status)
  if (status === 403) expect(answer.text).toContain('"code":"host_not_allowed"')
  expect((await answerTo(served, request('GET', '/health', '', { host }))).status).toBe(200)
})

const loopback6 = Object.values(networkInterfaces()).some((all) =>
  all?.some(({ address }) => address === '::1'),
)

test.runIf(loopback6).each(['::1', '[::1]'])('a server listens at %s', async (host) => {
  const { url } = await serve({ server: { host } })
  expect(url).toMatch(/^http:\/\/\[::1\]:\d+/)
  expect((await fetch(new URL('/health', url))).status).toBe(200)
})

test('a request without a Host header is refused like one with a wrong name', async () => {
  const answer = await answerTo(await serve(), 'GET /v1/models HTTP/1.1\r\n\r\n')
  expect(answer.status).toBe(403)
  expect(answer.text).toContain('host_not_allowed')
})

test('a foreign Origin is refused without a preflight, before anything runs', async () => {
  const served = await serve({ server: { allowOrigins: ['https://app.example'] } })
  const foreign = ['https://evil.example', 'https://app.example.evil', 'null', 'http://localhost:1']
  for (const origin of foreign) {
    const answer = await answerTo(served, post(chatPath, story(), { origin }))
    expect(answer.status).toBe(403)
    expect(answer.text).toContain('"code":"origin_not_allowed"')
    expect(answer.text).not.toContain('access-control-allow-origin')
  }
  expect(served.native.submitted).toEqual([])
})

test('an allowed Origin, and a page of this very server, are answered', async () => {
  const served = await serve({ server: { allowOrigins: ['https://app.example'] } })
  const allowed = await answerTo(
    served,
    request('GET', '/health', '', { origin: 'https://app.example' }),
  )
  expect(allowed.status).toBe(200)
  expect(allowed.text).toMatch(/^access-control-allow-origin: https:\/\/app\.example\r$/m)
  expect(allowed.text).toMatch(/^vary: origin\r$/m)
  expect(allowed.text).not.toContain('allow-credentials')
  const own = { host: 'localhost:80', origin: 'http://localhost:80' }
  expect((await answerTo(served, request('GET', '/health', '', own))).status).toBe(200)
})

test('an allowed page preflights without a key, and may send what it asks to', async () => {
  const served = await serve({
    server: { allowOrigins: ['https://app.example'], apiKeys: ['key'] },
  })
  const preflight = (origin: string) =>
    request('OPTIONS', chatPath, '', {
      origin,
      'access-control-request-method': 'POST',
      'access-control-request-headers': 'authorization,content-type,x-stainless-os',
    })
  const answer = await answerTo(served, preflight('https://app.example'))
  expect(answer.status).toBe(204)
  expect(answer.text).toMatch(/^access-control-allow-methods: POST\r$/m)
  expect(answer.text).toMatch(/^access-control-allow-headers: authorization,content-type,x-sta/m)
  expect((await answerTo(served, preflight('https://evil.example'))).status).toBe(403)
})

describe(wireCheck(23), () => {
  test.each([
    ['application/json', 200],
    ['application/json; charset=UTF-8', 200],
    ['application/json;charset=utf8', 200],
    ['application/json; charset="UTF-8"', 200],
    ['application/vnd.api+json', 200],
    ['text/plain', 200],
    ['application/x-www-form-urlencoded', 200],
    ['', 200],
    ['multipart/form-data; boundary=x', 415],
    ['image/png', 415],
    ['application/json; charset=latin1', 415],
  ])('a body of type %j is answered with %d', async (type, status) => {
    const answer = await answerTo(await serve(), post(chatPath, story(), { 'content-type': type }))
    expect(answer.status).toBe(status)
    if (status === 415) expect(answer.text).toContain('"code":"unsupported_media_type"')
  })

  test('a compressed body is a 415', async () => {
    const served = await serve()
    const answer = await answerTo(served, post(chatPath, story(), { 'content-encoding': 'gzip' }))
    expect(answer.status).toBe(415)
  })

  test('a body is counted while it arrives: one byte too many is a 413', async () => {
    const served = await serve({ server: { bodyBytesMax: 200 } })
    const fits = JSON.stringify(story()).padEnd(200)
    expect((await answerTo(served, post(chatPath, fits))).status).toBe(200)
    const declared = await answerTo(served, post(chatPath, `${fits} `))
    expect(declared.status).toBe(413)
    expect(declared.text).toContain('"code":"body_too_large"')
    const raw = await served.client()
    raw.send(
      `POST ${chatPath} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n` +
        'transfer-encoding: chunked\r\n\r\n',
    )
    raw.send(`c8\r\n${fits}\r\n`)
    raw.send('1\r\n \r\n')
    await raw.seen('body_too_large')
    expect(raw.status).toBe(413)
    expect(served.native.submitted).toHaveLength(1)
  })

  test('the connection of a body that is still being sent ends with its refusal', async () => {
    const served = await serve({ server: { bodyBytesMax: 200 } })
    const raw = await served.client()
    const coded = { 'content-type': 'application/json', 'transfer-encoding': 'chunked' }
    raw.send(`${request('POST', chatPath, '', coded)}c9\r\n${' '.repeat(201)}\r\n`)
    await raw.seen('body_too_large')
    expect(raw.text).toMatch(/^connection: close\r$/im)
    raw.send('0\r\n\r\n')
    await raw.closed()
  })
})

test('a client still sending a refused body gets the whole answer, not a reset', async () => {
  const served = await serve()
  const raw = await served.client()
  const bytes = 4 * 1024 * 1024
  const headers = { 'content-type': 'image/png', 'content-length': String(bytes) }
  raw.send(request('POST', chatPath, '', headers))
  for (let sent = 0; sent < bytes; sent += 64 * 1024) raw.send(Buffer.alloc(64 * 1024, ' '))
  await raw.closed()
  expect(raw.status).toBe(415)
  expect(JSON.parse(raw.body)).toHaveProperty('error.code', 'unsupported_media_type')
})

test('a client that waits for 100 Continue sends no body that will be refused', async () => {
  const served = await serve()
  const expectHeader = { expect: '100-continue', 'content-type': 'application/json' }
  const refused = await served.client()
  refused.send(request('POST', chatPath, '', { ...expectHeader, 'content-length': '90000000' }))
  await refused.seen('body_too_large')
  expect(refused.text).not.toContain('100 Continue')
  const taken = await served.client()
  const body = JSON.stringify(story())
  const length = String(body.length)
  taken.send(request('POST', chatPath, '', { ...expectHeader, 'content-length': length }))
  await taken.seen('HTTP/1.1 100 Continue\r\n\r\n')
  taken.send(body)
  await taken.seen('[DONE]')
})

test('a connection that is refused while it waits for 100 Continue is closed', async () => {
  const raw = await (await serve()).client()
  const headers = { expect: '100-continue', 'content-type': 'image/png', 'content-length': '9' }
  raw.send(request('POST', chatPath, '', headers))
  await raw.seen('unsupported_media_type')
  expect(raw.text).toMatch(/^connection: close\r$/im)
})

test('broken UTF-8 and depth in a body are 400s', async () => {
  const served = await serve()
  const raw = await served.client()
  const body = Buffer.from('{"model":"\xff"}', 'latin1')
  const headers = { 'content-type': 'application/json', 'content-length': `${body.length}` }
  raw.send(Buffer.concat([Buffer.from(request('POST', chatPath, '', headers)), body]))
  await raw.seen('broken bytes')
  expect(raw.status).toBe(400)
  const deep = await answerTo(served, post(chatPath, '['.repeat(100_000)))
  expect(deep.text).toContain('at most 64 deep')
})

test('an address that others can reach is not served without keys, unless asked to', async () => {
  const { engine } = await serve()
  for (const host of ['0.0.0.0', '::', '192.168.1.5', 'my.host']) {
    expect(() => createServer({ engine, host })).toThrow(
      expect.objectContaining({ code: 'ERR_INVALID_OPTION', option: 'host' }),
    )
    expect(() => createServer({ engine, host, apiKeys: ['key'] })).not.toThrow()
    expect(() => createServer({ engine, host, allowUnauthenticated: true })).not.toThrow()
  }
  for (const host of ['127.0.0.1', 'localhost', '::1', '127.0.0.9']) {
    expect(() => createServer({ engine, host })).not.toThrow()
  }
})

test.each([
  [{ pingMs: 0 }, 'pingMs'],
  [{ bodyBytesMax: 1.5 }, 'bodyBytesMax'],
  [{ port: 70_000 }, 'port'],
  [{ metricsPort: 8080 }, 'metricsPort'],
  [{ port: '9000', agentPort: 9000 }, 'agentPort'],
  [{ port: 0, metricsPort: 9000, agentPort: 9000 }, 'agentPort'],
  [{ readerStallMs: Number.POSITIVE_INFINITY }, 'readerStallMs'],
  [{ apiKeys: ['two words'] }, 'apiKeys'],
  [{ apiKeys: [''] }, 'apiKeys'],
  [{ isolateKeys: true }, 'isolateKeys'],
  [{ allowOrigins: ['app.example'] }, 'allowOrigins'],
  [{ allowOrigins: ['https://app.example/'] }, 'allowOrigins'],
])('the option %j is refused by its name', async (options, option) => {
  const { engine } = await serve()
  expect(() => createServer({ engine, ...options })).toThrow(expect.objectContaining({ option }))
})

test('a server may be asked by the name that it was bound to', async () => {
  // A spelling of 127.0.0.1 that resolves, but is none of the names that are always allowed.
  const host = '127.1'
  const served = await serve({ server: { host, apiKeys: ['key'] } })
  expect((await answerTo(served, request('GET', '/health', '', { host }))).status).toBe(200)
  const other = await serve()
  expect((await answerTo(other, request('GET', '/v1/models', '', { host }))).status).toBe(403)
})
