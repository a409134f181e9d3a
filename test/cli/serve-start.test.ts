import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { useBinding } from '../../src/binding/binding.js'
import { flagOf, inFlags } from '../../src/cli/flags/flag-names.js'
import { Crashes } from '../../src/cli/serve/crashes.js'
import { HangUps } from '../../src/cli/serve/hang-ups.js'
import { serve } from '../../src/cli/serve/server.js'
import { ServiceManager } from '../../src/cli/serve/service-manager.js'
import { serveCommand } from '../../src/cli/serve.js'
import { SluiceServer } from '../../src/http/node/server.js'
import { serveFlags } from '../../src/options/command-flags.js'
import { settleFlags } from '../../src/options/flags.js'
import { nameOptionsBy } from '../../src/options/spoken-names.js'
import { eventually } from '../support/eventually.js'
import { FakeAddon, FakeEngine } from '../support/fake-binding.js'

afterEach(() => {
  nameOptionsBy((option) => option)
  useBinding(undefined)
  vi.restoreAllMocks()
})

test('a server of several models that cannot listen leaves none of them at work', async () => {
  const addon = new FakeAddon({ load: 'held' })
  useBinding(addon)
  const closed = vi.spyOn(FakeEngine.prototype, 'close')
  const other = createServer().listen(0, '127.0.0.1')
  await once(other, 'listening')
  const { port } = other.address() as AddressInfo
  const given = { model: ['a=a.gguf', 'b=b.gguf'], port: `${port}`, logLevel: 'silent' }
  const flags = settleFlags(serveFlags, given, {})
  const stop = new AbortController().signal
  const { listen } = SluiceServer.prototype
  vi.spyOn(SluiceServer.prototype, 'listen').mockImplementation(async function (
    this: SluiceServer,
    ...asked
  ) {
    await eventually(() => addon.engines.length === 1) // a model is looked at already
    return listen.apply(this, asked)
  })
  const credentials = { apiKeys: [], tls: undefined }
  const manager = new ServiceManager({})
  const hangUps = new HangUps({}, false)
  const crashes = new Crashes()
  const serving = { load: undefined, credentials, stop, hangUps, manager, crashes }
  await expect(serve(flags, serving)).rejects.toThrow(/is in use/)
  expect(closed.mock.contexts).toEqual(addon.engines)
  other.close()
})

describe('a server of one model', () => {
  const signals = ['SIGINT', 'SIGTERM'] as const
  const before = signals.map((name) => process.listeners(name))
  afterEach(() => {
    for (const [i, name] of signals.entries()) {
      for (const one of process.listeners(name)) {
        if (!before[i]?.includes(one)) process.off(name, one)
      }
    }
  })

  test.each([
    ['--port', (taken: string) => ({ port: taken })],
    ['--metrics-port', (taken: string) => ({ metricsPort: taken })],
    ['--agent-port', (taken: string) => ({ agentPort: taken, metricsPort: '0' })],
  ])('begins to load none where the port of %s is in use', async (flag, given) => {
    const addon = new FakeAddon()
    useBinding(addon)
    const other = createServer().listen(0, '127.0.0.1')
    await once(other, 'listening')
    const taken = `${(other.address() as AddressInfo).port}`
    const asked = { model: ['a.gguf'], logLevel: 'silent', port: '0', ...given(taken) }
    const served = serveCommand(settleFlags(serveFlags, asked, {}))
    await expect(served).rejects.toThrow(`Port ${taken} of 127.0.0.1 is in use`)
    await expect(served).rejects.toThrow(`with ${flag};`)
    expect(addon.engines).toEqual([])
    other.close()
  })

  test.each([
    [{ port: '18720', metricsPort: '18720' }, '--metrics-port', '--port'],
    [{ port: '18720', agentPort: '18720' }, '--agent-port', '--port'],
    [{ port: '0', metricsPort: '18720', agentPort: '18720' }, '--agent-port', '--metrics-port'],
  ])('refuses two of its own ports that are one: %j', async (given, flag, other) => {
    nameOptionsBy(flagOf)
    const addon = new FakeAddon()
    useBinding(addon)
    const asked = { model: ['a.gguf'], logLevel: 'silent', ...given }
    const error = await serveCommand(settleFlags(serveFlags, asked, {})).catch((one) => one)
    expect(inFlags(error, serveFlags)).toMatchObject({
      code: 'ERR_INVALID_OPTION',
      message:
        `'${flag}': expected another port than '${other}' has, or 0 for any that is free, ` +
        'but got 18720.',
    })
    expect(addon.engines).toEqual([])
  })
})

test('options of the server that are wrong are told before models are pulled', async () => {
  const given = { model: ['a=hf:o/r:Q8_0', 'b=b.gguf'], metricsPort: '18720', port: '18720' }
  const asked = vi.spyOn(globalThis, 'fetch').mockRejectedValue(new Error('asked'))
  const served = serveCommand(settleFlags(serveFlags, { logLevel: 'silent', ...given }, {}))
  await expect(served).rejects.toMatchObject({ option: 'metricsPort' })
  expect(asked).not.toHaveBeenCalled()
})
