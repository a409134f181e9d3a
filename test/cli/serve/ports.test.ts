import { once } from 'node:events'
import { syncBuiltinESMExports } from 'node:module'
import net, { type AddressInfo } from 'node:net'
import os, { networkInterfaces } from 'node:os'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { seemFree } from '../../../src/cli/serve/ports.js'
import { freePort } from '../../support/program.js'

// A busy machine may be late with an answer: it is waited for.
beforeEach(() => {
  vi.spyOn(AbortSignal, 'timeout').mockImplementation(() => new AbortController().signal)
})

const servers: net.Server[] = []
afterEach(() => {
  for (const server of servers.splice(0)) server.close()
  vi.restoreAllMocks()
})

async function taken(host: string): Promise<number> {
  const server = net.createServer().listen(0, host)
  servers.push(server)
  await once(server, 'listening')
  return (server.address() as AddressInfo).port
}

const hasIPv6 = Object.values(networkInterfaces()).some((all) =>
  all?.some(({ address }) => address === '::1'),
)

/** Where nothing is asked. */
const isWindows = process.platform === 'win32'
/** Elsewhere 127.0.0.1 alone is there. */
const linuxHosts = process.platform === 'linux' ? ['127.0.0.9'] : []
const ofNetwork = Object.values(networkInterfaces())
  .flatMap((one) => one ?? [])
  .find(({ family, internal }) => family === 'IPv4' && !internal)?.address

test.skipIf(isWindows)(
  'ports that nobody listens on seem free, and none is opened for the look',
  async () => {
    const listen = vi.spyOn(net.Server.prototype, 'listen')
    const ports = [await freePort(), await freePort()]
    listen.mockClear()
    for (const host of ['127.0.0.1', 'localhost', '0.0.0.0', '::', ...linuxHosts]) {
      expect([host, await seemFree([...ports, 0], host)]).toEqual([host, true])
    }
    expect(listen).not.toHaveBeenCalled()
  },
)

test.skipIf(isWindows)('any port is free', async () => {
  expect(await seemFree([0, 0, 0], '127.0.0.1')).toBe(true)
})

describe('a port that somebody listens on does not', () => {
  test.each([
    ['127.0.0.1', '127.0.0.1'],
    ['127.0.0.1', '0.0.0.0'],
    ['127.0.0.1', '::'],
    ['0.0.0.0', '127.0.0.1'],
    ...linuxHosts.map((host) => ['0.0.0.0', host] as [string, string]),
    ...(ofNetwork === undefined ? [] : [[ofNetwork, '0.0.0.0'] as [string, string]]),
  ])('on %s, for %s', async (host, wanted) => {
    const port = await taken(host)
    expect(await seemFree([await freePort(), port], wanted)).toBe(false)
  })

  test.runIf(hasIPv6).each(['::1', '[::1]', '::'])('on ::1, for %s', async (wanted) => {
    expect(await seemFree([await taken('::1')], wanted)).toBe(false)
  })
})

test.each([
  ['two of its ports are one', [31_000, 31_000], '127.0.0.1'],
  ['a port is the superuser’s', [1023], '127.0.0.1'],
  ['the address is another machine’s', [31_000], '192.0.2.1'],
  ['the name is nobody’s', [31_000], 'nobody.invalid'],
])('where %s, the server says what it can', async (_, ports, host) => {
  const connect = vi.spyOn(net, 'connect')
  expect(await seemFree(ports, host)).toBe(false)
  expect(connect).not.toHaveBeenCalled()
})

test.skipIf(isWindows)('where the system tells no addresses, loopback alone is asked', async () => {
  vi.spyOn(os, 'networkInterfaces').mockImplementation(() => {
    throw new Error('not allowed')
  })
  syncBuiltinESMExports()
  const port = await freePort()
  expect(await seemFree([port], '127.0.0.1')).toBe(true)
  expect(await seemFree([port], '0.0.0.0')).toBe(false)
  vi.restoreAllMocks()
  syncBuiltinESMExports()
})
