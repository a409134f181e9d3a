import dns from 'node:dns'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type RequestListener } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { networkInterfaces, tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { healthCommand } from '../../src/cli/health.js'
import { healthFlags } from '../../src/options/command-flags.js'
import { settleFlags } from '../../src/options/flags.js'
import { hasOpenssl, testCertificate } from '../support/operators/certificate.js'
import { freePort } from '../support/program.js'

const folder = mkdtempSync(path.join(tmpdir(), 'sluice-health-'))
afterAll(() => rmSync(folder, { recursive: true }))

const closes: (() => void)[] = []
afterEach(() => {
  for (const close of closes.splice(0)) close()
  vi.restoreAllMocks()
  vi.unstubAllEnvs()
})

let written: string
beforeEach(() => {
  written = ''
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    written += text
    return true
  })
})

/** A server that answers so, and what it was asked. */
async function answering(
  status: number,
  body: string,
  { tls, host = '127.0.0.1' }: { tls?: { cert: string; key: string }; host?: string } = {},
) {
  const asked: { url: string | undefined; key: string | undefined }[] = []
  const listener: RequestListener = ({ url, headers }, res) => {
    asked.push({ url, key: headers.authorization })
    res.writeHead(status).end(body)
  }
  const server = tls === undefined ? createServer(listener) : createTlsServer(tls, listener)
  await once(server.listen(0, host), 'listening')
  closes.push(
    () => server.closeAllConnections(),
    () => server.close(),
  )
  const { port } = server.address() as AddressInfo
  return { port, asked }
}

/** With patience, unless it is said: a busy machine may be late with an answer. */
const health = (given: Record<string, string>, url?: string) => {
  return healthCommand(url, settleFlags(healthFlags, { timeoutMs: '60000', ...given }, {}))
}

test('a server that serves is well: 0, and ok on stdout', async () => {
  const { port, asked } = await answering(200, '{"status":"ok"}')
  expect(await health({ port: `${port}` })).toBe(0)
  expect(await health({ host: '0.0.0.0', port: `${port}` })).toBe(0)
  expect(await health({}, `http://localhost:${port}/`)).toBe(0)
  expect(written).toBe('ok\nok\nok\n')
  expect(asked).toEqual(Array(3).fill({ url: '/health', key: undefined }))
})

test('one that does not is not, with what it says', async () => {
  const body = JSON.stringify({ error: { message: 'The model loads.', code: 'loading' } })
  const { port } = await answering(503, body)
  const origin = `http://127.0.0.1:${port}`
  await expect(health({ port: `${port}` })).rejects.toThrow(
    `${origin} answers with 503 (loading: The model loads.)`,
  )
  const other = await answering(404, '<html>')
  await expect(health({ port: `${other.port}` })).rejects.toThrow(/answers with 404$/)
  expect(written).toBe('')
})

test('the first key goes along, so that the server says why', async () => {
  vi.stubEnv('SLUICE_API_KEY', 'k-1')
  const { port, asked } = await answering(200, '{}')
  await health({ port: `${port}` })
  expect(asked).toEqual([{ url: '/health', key: 'Bearer k-1' }])
})

test('one that is not there, or says nothing in time, is not well either', async () => {
  const silent = createServer(() => undefined)
  await once(silent.listen(0, '127.0.0.1'), 'listening')
  closes.push(
    () => silent.closeAllConnections(),
    () => silent.close(),
  )
  const { port } = silent.address() as AddressInfo
  await expect(health({ port: `${port}`, timeoutMs: '50' })).rejects.toMatchObject({
    message: `http://127.0.0.1:${port} does not answer`,
    cause: { message: 'there was no answer within 50 ms' },
  })
  await expect(health({ port: `${await freePort()}` })).rejects.toMatchObject({
    cause: { code: 'ECONNREFUSED' },
  })
})

test('what is no address is refused', async () => {
  for (const url of ['localhost:8080', 'ftp://localhost', '']) {
    await expect(health({}, url)).rejects.toMatchObject({ code: 'ERR_INVALID_OPTION' })
  }
})

test('port 0 is none that a server could be asked at', async () => {
  await expect(async () => health({ port: '0' })).rejects.toMatchObject({
    code: 'ERR_INVALID_OPTION',
    message: '\'--port\': expected a whole number from 1 to 65535, but got "0".',
  })
  await expect(health({}, 'http://127.0.0.1:0')).rejects.toMatchObject({
    code: 'ERR_INVALID_OPTION',
    message: expect.stringContaining("but got 'http://127.0.0.1:0'"),
  })
})

const own = Object.values(networkInterfaces()).flatMap((one) => one ?? [])
const hasIPv6 = own.some(({ address }) => address === '::1')

test.skipIf(!hasIPv6)('--host may have the brackets of an address, as of serve', async () => {
  const { port } = await answering(200, '{}', { host: '::' })
  for (const host of ['::1', '[::1]', '::', '[::]', '0:0:0:0:0:0:0:0']) {
    expect(await health({ host, port: `${port}` })).toBe(0)
  }
  const nobody = `${await freePort()}`
  await expect(health({ host: '[::]', port: nobody })).rejects.toThrow(`http://[::1]:${nobody} `)
})

const scoped = own.find((one) => one.family === 'IPv6' && one.scopeid !== 0)
const zone = Object.entries(networkInterfaces()).find(([, all]) => {
  return all?.some(({ address }) => address === scoped?.address)
})

test.skipIf(scoped === undefined)('--host may have a zone, as of serve', async () => {
  const host = `${scoped?.address}%${zone?.[0]}`
  const { port } = await answering(200, '{}', { host })
  expect(await health({ host, port: `${port}` })).toBe(0)
  expect(await health({ host: `[${host}]`, port: `${port}` })).toBe(0)
})

test('a --host that is none is refused', async () => {
  for (const host of ['[x', 'a:b', '127.0.0.1#', 'me@127.0.0.1', '127.0.0.1?']) {
    await expect(health({ host })).rejects.toMatchObject({
      code: 'ERR_INVALID_OPTION',
      option: 'host',
    })
  }
})

describe.skipIf(!hasOpenssl)('over TLS (needs openssl)', () => {
  beforeEach(() => vi.stubEnv('SLUICE_API_KEY', 'k-1'))

  test('a certificate of this machine is taken, and no key is sent', async () => {
    const { port, asked } = await answering(200, '{}', { tls: testCertificate() })
    expect(await health({}, `https://127.0.0.1:${port}`)).toBe(0)
    expect(await health({}, `https://[::ffff:127.0.0.1]:${port}`)).toBe(0)
    expect(asked).toEqual(Array(2).fill({ url: '/health', key: undefined }))
  })

  const outer = own.find(({ family, internal }) => family === 'IPv4' && !internal)?.address
  test.skipIf(outer === undefined)(
    'a certificate of this machine is taken at the address that others know',
    async () => {
      const host = outer ?? ''
      const { port, asked } = await answering(200, '{}', { tls: testCertificate(), host })
      expect(await health({}, `https://${host}:${port}`)).toBe(0)
      expect(asked).toEqual([{ url: '/health', key: undefined }])
    },
  )

  describe('at a name', () => {
    beforeEach(() => {
      const { lookup } = dns
      const look = (name: string, ...rest: [object, (...found: unknown[]) => void]) => {
        if (name !== 'llm.test') return lookup(name, ...(rest as [never, never]))
        return rest[1](null, [{ address: '127.0.0.1', family: 4 }])
      }
      vi.spyOn(dns, 'lookup').mockImplementation(look as never)
    })

    test('the server of its own flags is taken, and gets no key', async () => {
      const tls = testCertificate()
      const { port, asked } = await answering(200, '{}', { tls })
      const tlsCert = path.join(folder, 'cert.pem')
      writeFileSync(tlsCert, tls.cert)
      expect(await health({ host: 'llm.test', port: `${port}`, tlsCert })).toBe(0)
      expect(asked).toEqual([{ url: '/health', key: undefined }])
    })

    test('of a URL a server that cannot prove it is asked nothing', async () => {
      const { port, asked } = await answering(200, '{}', { tls: testCertificate() })
      await expect(health({}, `https://llm.test:${port}`)).rejects.toMatchObject({
        cause: { code: 'DEPTH_ZERO_SELF_SIGNED_CERT' },
      })
      expect(asked).toEqual([])
    })
  })
})
