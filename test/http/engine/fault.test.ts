import { createServer as createHttpServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { EngineEndedError, ModelInvalidError, SluiceError } from '../../../src/api/errors.js'
import { useBinding } from '../../../src/binding/binding.js'
import type { Engine } from '../../../src/engine/engine.js'
import { load } from '../../../src/engine/load.js'
import type { AccessEntry } from '../../../src/http/index.js'
import { createServer, requestListener } from '../../support/adapters/adapter.js'
import { eventually, settle } from '../../support/eventually.js'
import { FakeAddon } from '../../support/fake-binding.js'
import { post } from '../../support/raw-client.js'
import {
  alsoClose,
  chat,
  chatPath,
  closeAfterEach,
  counting,
  postJson,
  serve,
  stepUntil,
  story,
} from '../../support/serve.js'
import { chunksOf } from '../../support/sse.js'

// A server whose engine is not there: it never loaded, or it ended by itself. Everybody hears why.

closeAfterEach()

const unhandled = vi.fn()
beforeEach(() => void process.on('unhandledRejection', unhandled))
afterEach(() => {
  process.off('unhandledRejection', unhandled)
  expect(unhandled).not.toHaveBeenCalled()
})

/** Process warnings of the test, code and message each. */
function warnings(): string[] {
  const told: string[] = []
  const spy = vi.spyOn(process, 'emitWarning').mockImplementation((message, options) => {
    told.push(`${(options as { code?: string } | undefined)?.code}: ${message}`)
  })
  alsoClose(async () => spy.mockRestore())
  return told
}

/** load() of a file that is no model. */
function badLoad(): Promise<Engine> {
  const addon = new FakeAddon({ load: 'held' })
  useBinding(addon)
  const engine = load({ model: 'bad.gguf' })
  engine.catch(() => undefined) // the test's own; the server's is counted apart
  addon.engine.failLoad({ code: 'ERR_MODEL_INVALID', message: 'bad.gguf is no GGUF file' })
  return engine
}

const asks = (url: string) => [
  fetch(`${url}/health`),
  fetch(`${url}/v1/models`),
  chat(url, story()),
  postJson(url, '/v1/completions', { model: 'x', prompt: 'a' }),
  postJson(url, '/v1/embeddings', { model: 'x', input: 'a' }),
  postJson(url, '/tokenize', { content: 'a' }),
]

describe('a model that does not load', () => {
  test('is told to requests, /health, onLog, and once to the process', async () => {
    const told = warnings()
    const log: AccessEntry[] = []
    const server = createServer({ engine: badLoad(), port: 0, onLog: (entry) => log.push(entry) })
    const { url } = await server.listen()
    alsoClose(() => server.close())
    await settle()
    for (const response of await Promise.all(asks(url))) {
      expect(response.status).toBe(503)
      expect(response.headers.get('retry-after')).toBeNull()
      expect(await response.json()).toEqual({
        error: {
          message: 'The model could not be loaded: bad.gguf is no GGUF file (ERR_MODEL_INVALID).',
          type: 'server_error',
          param: null,
          code: 'load_failed',
        },
      })
    }
    await eventually(() => log.length === 6)
    for (const { code, error, status } of log) {
      expect({ code, status }).toEqual({ code: 'load_failed', status: 503 })
      expect(error).toBeInstanceOf(ModelInvalidError)
    }
    expect(told).toEqual([expect.stringMatching(/^SLUICE_ENGINE: .*no GGUF.*ERR_MODEL_INVALID/)])
    const page = await (await fetch(`${url}/metrics`)).text()
    expect(page).toContain('sluice_request_errors_total{code="load_failed"} 6')
    expect(page).not.toContain('model_name')
  })

  test('is told to a listener in a server of one’s own as well', async () => {
    const onEngineError = vi.fn()
    const own = createHttpServer(requestListener({ engine: badLoad(), onEngineError }))
    await new Promise<void>((resolve) => own.listen(0, '127.0.0.1', resolve))
    alsoClose(async () => void own.close())
    const { port } = own.address() as AddressInfo
    await settle() // until then it loads
    const response = await chat(`http://127.0.0.1:${port}`, story())
    expect(response.status).toBe(503)
    expect(await response.text()).toContain('load_failed')
    expect(onEngineError).toHaveBeenCalledTimes(1)
    expect(onEngineError.mock.calls[0]?.[0]).toBeInstanceOf(SluiceError)
  })

  test('may fail before there is a listener, and where there never is one', async () => {
    const onEngineError = vi.fn()
    const server = createServer({ engine: badLoad(), port: 0, onEngineError })
    await settle()
    expect(onEngineError).toHaveBeenCalledTimes(1)
    const { url } = await server.listen()
    alsoClose(() => server.close())
    expect((await fetch(`${url}/health`)).status).toBe(503)
    createServer({ engine: badLoad(), port: 0, onEngineError })
    await settle()
    expect(onEngineError).toHaveBeenCalledTimes(2)
  })

  test('is told by its code alone to clients without a key, where there are keys', async () => {
    const onEngineError = () => undefined
    const server = createServer({ engine: badLoad(), port: 0, apiKeys: ['key'], onEngineError })
    const { url } = await server.listen()
    await settle()
    alsoClose(() => server.close())
    const health = async (headers: Record<string, string>) =>
      (await fetch(`${url}/health`, { headers })).text()
    const words = 'no GGUF file'
    expect(await health({})).toContain('ERR_MODEL_INVALID')
    expect(await health({})).not.toContain(words)
    expect(await health({ authorization: 'Bearer wrong' })).not.toContain(words)
    expect(await health({ authorization: 'Bearer key' })).toContain(words)
  })

  test.each<[string, unknown, string]>([
    ['an error', new Error('no disk'), 'Error: no disk'],
    ['an error with a code', Object.assign(new Error('no.'), { code: 'E1' }), 'Error: no (E1)'],
    ['a text', 'no disk', 'no disk'],
    ['an object with a message', { message: 'no disk' }, 'no disk'],
    ['an object without', Object.create(null), 'an empty object'],
    ['a symbol', Symbol('no'), 'Symbol(no)'],
    ['nothing', undefined, 'nothing'],
    ['null', null, 'null'],
    [
      'what cannot be read',
      new Proxy({}, { get: () => expect.fail('read') }),
      'an object that cannot be read',
    ],
  ])('is warned of by its reason, be it %s', async (_, reason, words) => {
    const told = warnings()
    const server = createServer({ engine: Promise.reject(reason), port: 0 })
    const { url } = await server.listen()
    alsoClose(() => server.close())
    expect(await (await fetch(`${url}/health`)).json()).toMatchObject({
      error: { code: 'load_failed', message: 'The model could not be loaded.' },
    })
    expect(told).toEqual([
      `SLUICE_ENGINE: the model could not be loaded: ${words}; requests get 503 from now on`,
    ])
  })

  test('is warned of, and breaks nothing, where onEngineError throws', async () => {
    const thrown = new Error('thrown by onEngineError')
    const onEngineError = () => {
      throw thrown
    }
    const caught = uncaught()
    const codes: (string | undefined)[] = []
    const take = ({ code }: NodeJS.ErrnoException) => codes.push(code)
    process.on('warning', take)
    alsoClose(async () => void process.off('warning', take))
    const server = createServer({ engine: badLoad(), port: 0, onEngineError })
    const { url } = await server.listen()
    alsoClose(() => server.close())
    expect((await fetch(`${url}/health`)).status).toBe(503)
    await eventually(() => codes.includes('SLUICE_CALLBACK'), 'it was not warned of')
    expect(caught()).toEqual([])
  })
})

test('a listener that is made for a request serves it: the engine is there', async () => {
  const { engine } = await serve()
  const own = createHttpServer((req, res) => requestListener({ engine })(req, res))
  await new Promise<void>((resolve) => own.listen(0, '127.0.0.1', resolve))
  alsoClose(async () => void own.close())
  const { port } = own.address() as AddressInfo
  expect((await fetch(`http://127.0.0.1:${port}/health`)).status).toBe(200)
  expect((await chat(`http://127.0.0.1:${port}`, story({ stream: false }))).status).toBe(200)
})

test('a load that never ends is a 503, metrics are there, and the server closes', async () => {
  const never = new Promise<Engine>(() => undefined)
  const server = createServer({ engine: never, port: 0 })
  const { url } = await server.listen()
  for (const response of await Promise.all(asks(url))) {
    expect(response.status).toBe(503)
    expect(await response.text()).toContain('"code":"loading"')
  }
  expect((await fetch(`${url}/metrics`)).status).toBe(200)
  await server.close()
})

describe('an engine that ends by itself', () => {
  const endless = () => ({ tokens: counting() })

  test('ends replies under way with why, and is told to every later request', async () => {
    const told = warnings()
    const { native, engine, client, url, log } = await serve({ pace: 'manual', script: endless })
    const [streamed, whole] = [await client(), await client()]
    streamed.send(post(chatPath, story()))
    whole.send(post(chatPath, story({ stream: false })))
    await stepUntil(native, () => streamed.text.includes('"0 "') && native.stats().running === 2)
    native.die()
    await streamed.seen('engine_ended')
    await whole.seen('engine_ended')
    expect(chunksOf(streamed.body).at(-1)?.error).toMatchObject({ code: 'engine_ended' })
    expect(streamed.text).not.toContain('[DONE]')
    expect(whole.status).toBe(503)
    for (const response of await Promise.all(asks(url))) {
      expect(response.status).toBe(503)
      const { error } = (await response.json()) as { error: { code: string; message: string } }
      expect(error.code).toBe('engine_ended')
      expect(error.message).toContain('memory ran out (ERR_OUT_OF_MEMORY)')
    }
    await eventually(() => log.length === 8)
    for (const { error } of log) expect(error).toEqual(engine.failure)
    expect(told).toEqual([expect.stringMatching(/^SLUICE_ENGINE: .*ERR_OUT_OF_MEMORY/)])
    expect((await fetch(`${url}/metrics`)).status).toBe(200)
  })

  test('rejects load() with why before it is loaded', async () => {
    const addon = new FakeAddon({ load: 'held' })
    useBinding(addon)
    const loading = load({ model: 'a.gguf' })
    addon.engine.die()
    const error = await loading.catch((reason: unknown) => reason)
    expect(error).toBeInstanceOf(EngineEndedError)
  })

  test('is told to replies, rather than the drain, while the server drains', async () => {
    warnings()
    const { native, client, server } = await serve({ pace: 'manual', script: endless })
    const raw = await client()
    raw.send(post(chatPath, story()))
    await stepUntil(native, () => raw.text.includes('"0 "'))
    const drained = server.drain({ deadlineMs: 60_000 })
    native.die()
    await raw.seen('engine_ended')
    await drained
  })
})

/** What surfaces as an uncaught exception until the test ends, and not in the test runner. */
function uncaught(): () => unknown[] {
  const others = process.listeners('uncaughtException')
  const caught: unknown[] = []
  process.removeAllListeners('uncaughtException')
  process.on('uncaughtException', (error) => caught.push(error))
  alsoClose(async () => {
    process.removeAllListeners('uncaughtException')
    for (const listener of others) process.on('uncaughtException', listener)
  })
  return () => caught
}
