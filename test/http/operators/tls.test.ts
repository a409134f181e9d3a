import { once } from 'node:events'
import { request } from 'node:https'
import { connect as connectPlain } from 'node:net'
import { text } from 'node:stream/consumers'
import { connect, type TLSSocket } from 'node:tls'
import { expect, test } from 'vitest'
import { InvalidOptionError } from '../../../src/api/errors.js'
import { useBinding } from '../../../src/binding/binding.js'
import { load } from '../../../src/engine/load.js'
import {
  type AccessEntry,
  type Address,
  createServer,
  type ServerOptions,
} from '../../../src/http/index.js'
import { eventually } from '../../support/eventually.js'
import { FakeAddon } from '../../support/fake-binding.js'
import { hasOpenssl, testCertificate } from '../../support/operators/certificate.js'
import { alsoClose, chatPath, closeAfterEach, counting, story } from '../../support/serve.js'

closeAfterEach()

const certificate = hasOpenssl ? testCertificate('one') : { cert: '', key: '' }

async function serveTls(
  more: Partial<ServerOptions> = {},
  script?: () => { tokens: Iterable<string> },
) {
  const addon = new FakeAddon(script === undefined ? {} : { script })
  useBinding(addon)
  const engine = await load({ model: 'fake.gguf' })
  const log: AccessEntry[] = []
  const onLog = (entry: AccessEntry) => log.push(entry)
  const server = createServer({ engine, port: 0, tls: certificate, onLog, ...more })
  const { port, url } = await server.listen()
  alsoClose(async () => {
    await server.close()
    await engine.close()
  })
  return { server, port, url, log, native: addon.engine, addon }
}

/** The name in the certificate that a new connection is given. */
async function nameAt(port: number): Promise<string> {
  const socket = connect({ port, host: '127.0.0.1', rejectUnauthorized: false })
  await once(socket, 'secureConnect')
  const { CN: name } = socket.getPeerCertificate().subject
  socket.destroy()
  return `${name}`
}

/** A chat whose answer is read to its end, by a client that trusts the certificate. */
async function ask(port: number, body: object, headers: Record<string, string> = {}) {
  const options = { port, host: '127.0.0.1', path: chatPath, method: 'POST', agent: false }
  const sent = request({
    ...options,
    ca: certificate.cert,
    headers: { 'content-type': 'application/json', ...headers },
  })
  sent.end(JSON.stringify(body))
  const [response] = await once(sent, 'response')
  return { status: response.statusCode, body: await text(response) }
}

test.skipIf(!hasOpenssl)('a server speaks TLS by its certificate, whole and streamed', async () => {
  const { url, port, log } = await serveTls()
  expect(url).toBe(`https://127.0.0.1:${port}`)
  const whole = await ask(port, story({ stream: false }))
  expect([whole.status, whole.body]).toEqual([200, expect.stringContaining('Once upon a time.')])
  const streamed = await ask(port, story())
  expect(streamed.body).toContain('[DONE]')
  await eventually(() => log.length === 2, 'a request was not told')
  expect(log.map(({ outcome }) => outcome)).toEqual(['done', 'done'])
})

test.skipIf(!hasOpenssl)('the ports beside it stay plain, and say so', async () => {
  const { server } = await serveTls({ metricsPort: 0, agentPort: 0 })
  const { url, port } = server.metricsAddress() as Address
  expect(url).toBe(`http://127.0.0.1:${port}`)
  expect((await fetch(`${url}/metrics`)).status).toBe(200)
  const agent = connectPlain(server.agentAddress()?.port as number, '127.0.0.1')
  expect(await text(agent)).toBe('up 100%\n')
})

test.skipIf(!hasOpenssl)('a client that hangs up once it has its answer was served', async () => {
  const { port, log } = await serveTls()
  for (let i = 0; i < 20; i++) {
    const socket = connect({ port, host: '127.0.0.1', rejectUnauthorized: false })
    await once(socket, 'secureConnect')
    const body = JSON.stringify(story({ stream: i % 2 === 0 }))
    const head = `POST ${chatPath} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json`
    socket.write(`${head}\r\nContent-Length: ${body.length}\r\n\r\n${body}`)
    let said = ''
    for await (const part of socket.setEncoding('utf8')) {
      said += part
      if (/\[DONE\]\n\n\r\n0\r\n\r\n$|"cached_tokens":0\}\}\}$/.test(said)) break // destroys it
    }
  }
  await eventually(() => log.length === 20, 'a request was not told')
  expect(log.filter(({ outcome }) => outcome !== 'done')).toEqual([])
})

test.skipIf(!hasOpenssl)(
  'a newer certificate is for new connections; a stream goes on',
  async () => {
    const { server, port } = await serveTls({}, () => ({ tokens: counting() }))
    const sent = request({
      port,
      host: '127.0.0.1',
      path: chatPath,
      method: 'POST',
      ca: certificate.cert,
      headers: { 'content-type': 'application/json' },
    })
    sent.end(JSON.stringify(story({ max_tokens: 100_000 })))
    const [response] = await once(sent, 'response')
    const parts = response.setEncoding('utf8')[Symbol.asyncIterator]()
    await parts.next()
    server.reload({ tls: testCertificate('two') })
    expect(await nameAt(port)).toBe('two')
    for (let i = 0; i < 5; i++) expect((await parts.next()).done).toBe(false)
    expect((sent.socket as TLSSocket).getPeerCertificate().subject.CN).toBe('one')
    sent.destroy()
  },
)

test.skipIf(!hasOpenssl)(
  'what is no certificate is refused, shown nowhere, and changes nothing',
  async () => {
    const { server, port } = await serveTls()
    const other = testCertificate('two')
    const broken = [
      { cert: 'nonsense', key: other.key },
      { cert: other.cert, key: 'SECRET' },
      { cert: other.cert, key: certificate.key },
      { cert: other.cert, key: other.key, kee: 'SECRET' },
      'SECRET',
    ]
    for (const tls of broken) {
      expect(() => server.reload({ tls: tls as never })).toThrow(InvalidOptionError)
      expect(() => createServer({ engine: {} as never, tls: tls as never })).toThrow(
        expect.objectContaining({ message: expect.not.stringContaining('SECRET') }),
      )
    }
    expect(await nameAt(port)).toBe('one')
  },
)

test.skipIf(!hasOpenssl)(
  'bytes that are no TLS, and a client that has gone, end their connection alone',
  async () => {
    const { port } = await serveTls()
    const plain = connectPlain(port, '127.0.0.1')
    plain.write('GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n')
    plain.on('error', () => undefined) // a reset is an end as well
    await new Promise((resolve) => plain.resume().on('close', resolve))
    connectPlain(port, '127.0.0.1').destroy()
    expect((await ask(port, story({ stream: false }))).status).toBe(200)
  },
)

test.skipIf(!hasOpenssl)(
  'a connection whose handshake never comes does not hold up a drain',
  async () => {
    const { server, port } = await serveTls()
    const silent = connectPlain(port, '127.0.0.1')
    await once(silent, 'connect')
    await eventually(async () => (await connections(server.server)) === 1)
    const closed = once(silent.resume(), 'close')
    await server.drain()
    await closed
  },
)

function connections(server: {
  getConnections(use: (error: unknown, count: number) => void): unknown
}) {
  return new Promise<number>((resolve) => server.getConnections((_, count) => resolve(count)))
}

test.skipIf(!hasOpenssl)('a stream’s send buffer is set below TLS as well', async () => {
  const { port, addon } = await serveTls()
  await ask(port, story())
  expect(addon.sendBuffers).toEqual([{ fd: expect.any(Number), bytes: 16 * 1024 }])
  expect(addon.sendBuffers[0]?.fd).toBeGreaterThan(2)
})

test('keys may be replaced, and never be opened up by a mistake', async () => {
  const addon = new FakeAddon()
  useBinding(addon)
  const engine = await load({ model: 'fake.gguf' })
  const server = createServer({ engine, port: 0, apiKeys: ['old'] })
  const { url } = await server.listen()
  alsoClose(async () => {
    await server.close()
    await engine.close()
  })
  const statusOf = async (key: string) => {
    return (await fetch(`${url}/v1/models`, { headers: { authorization: `Bearer ${key}` } })).status
  }
  expect([await statusOf('old'), await statusOf('new')]).toEqual([200, 401])
  server.reload({ apiKeys: ['new'] })
  expect([await statusOf('old'), await statusOf('new')]).toEqual([401, 200])
  for (const options of [{ apiKeys: [] }, { apiKeys: [' '] }, { tls: certificate }, { keys: [] }]) {
    expect(() => server.reload(options as never)).toThrow(InvalidOptionError)
  }
  expect([await statusOf('old'), await statusOf('new')]).toEqual([401, 200])
  const open = createServer({ engine, port: 0 })
  expect(() => open.reload({ apiKeys: ['new'] })).toThrow(/started without keys/)
})
