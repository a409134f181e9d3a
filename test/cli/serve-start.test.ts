import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { afterEach, expect, test, vi } from 'vitest'
import { useBinding } from '../../src/binding/binding.js'
import { Crashes } from '../../src/cli/serve/crashes.js'
import { serve } from '../../src/cli/serve/server.js'
import { SluiceServer } from '../../src/http/node/server.js'
import { serveFlags } from '../../src/options/command-flags.js'
import { settleFlags } from '../../src/options/flags.js'
import { FakeAddon, FakeEngine } from '../support/fake-binding.js'

afterEach(() => {
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
    await vi.waitFor(() => expect(addon.engines).toHaveLength(1)) // a model is looked at already
    return listen.apply(this, asked)
  })
  const credentials = { apiKeys: [], tls: undefined }
  const serving = { load: undefined, credentials, stop, crashes: new Crashes() }
  await expect(serve(flags, serving)).rejects.toThrow(/is in use/)
  expect(closed.mock.contexts).toEqual(addon.engines)
  other.close()
})
