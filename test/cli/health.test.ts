import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { healthCommand } from '../../src/cli/health.js'
import { healthFlags } from '../../src/options/command-flags.js'
import { settleFlags } from '../../src/options/flags.js'
import { hasOpenssl, testCertificate } from '../support/operators/certificate.js'
import { freePort } from '../support/program.js'

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
async function answering(status: number, body: string, tls?: { cert: string; key: string }) {
  const asked: { url: string | undefined; key: string | undefined }[] = []
  const listener: RequestListener = ({ url, headers }, res) => {
    asked.push({ url, key: headers.authorization })
    res.writeHead(status).end(body)
  }
  const server = tls === undefined ? createServer(listener) : createTlsServer(tls, listener)
  await once(server.listen(0, '127.0.0.1'), 'listening')
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

test.skipIf(!hasOpenssl)(
  'over TLS a certificate of this machine is taken, and no key is sent',
  async () => {
    vi.stubEnv('SLUICE_API_KEY', 'k-1')
    const { port, asked } = await answering(200, '{}', testCertificate())
    expect(await health({}, `https://127.0.0.1:${port}`)).toBe(0)
    expect(asked).toEqual([{ url: '/health', key: undefined }])
  },
)
