import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { eventually } from '../../support/eventually.js'
import { LoopbackHub } from '../../support/hub/loopback-hub.js'
import { serveModels } from '../../support/pool/serve-models.js'
import { post } from '../../support/raw-client.js'
import { closeAfterEach, serve, stepUntil } from '../../support/serve.js'
import { wireCheck } from '../../support/wire/checks.mjs'
import { ask, linesOf, question } from '../../support/wire/ollama.js'

// Pulling, copying and deleting models by requests of Ollama's clients, from a Hub on loopback.

closeAfterEach()

const data = Buffer.from(Array.from({ length: 300_000 }, (_, i) => (i * i) % 251))
const name = 'hf.co/ada/lovelace-GGUF:Q4_K_M'
const inCache = 'models--ada--lovelace-GGUF'
const allowed = { server: { allowPull: true } }

let hub: LoopbackHub
let cache: string

beforeAll(async () => {
  hub = await LoopbackHub.start()
  hub.put('ada/lovelace-GGUF', { 'lovelace-Q4_K_M.gguf': data })
})
afterAll(() => hub.close())
beforeEach(() => {
  cache = mkdtempSync(path.join(tmpdir(), 'sluice-ollama-'))
  hub.requests.length = 0
  hub.faults.length = 0
  hub.pace = null
  hub.sentBytes = 0
  vi.stubEnv('HF_ENDPOINT', hub.endpoint)
  vi.stubEnv('HF_HUB_CACHE', cache)
  vi.stubEnv('HF_TOKEN', '')
})
afterEach(() => {
  vi.unstubAllEnvs()
  rmSync(cache, { recursive: true, force: true })
})

function remove(url: string, body: object): Promise<Response> {
  return fetch(`${url}/api/delete`, { method: 'DELETE', body: JSON.stringify(body) })
}

async function names(url: string): Promise<string[]> {
  const response = await fetch(`${url}/api/tags`)
  const { models } = (await response.json()) as { models: { name: string }[] }
  return models.map(({ name }) => name)
}

async function pulled(url: string, model = name): Promise<void> {
  const response = await ask(url, 'pull', { model, stream: false })
  expect([response.status, await response.json()]).toEqual([200, { status: 'success' }])
}

/** As the addon's own, among the calls of one process. */
function oneAtATime() {
  const held = new Set<string>()
  return (file: string) => {
    if (held.has(file)) return null
    held.add(file)
    return () => void held.delete(file)
  }
}

describe(wireCheck(79), () => {
  const notAllowed = {
    error:
      'Models are not pulled, copied or deleted here by requests; ' +
      "the server's owner can allow it (allowPull).",
  }

  test('a pull, a copy and a delete are a 403 unless they are allowed', async () => {
    const { url } = await serveModels({ tales: {}, news: {} })
    for (const response of [
      await ask(url, 'pull', { model: name }),
      await ask(url, 'copy', { source: 'tales', destination: 'story' }),
      await remove(url, { model: 'tales' }),
    ]) {
      expect([response.status, await response.json()]).toEqual([403, notAllowed])
    }
    expect(hub.requests).toEqual([])
  })

  test('a pull of a model that is there is a success, and does nothing', async () => {
    const { url } = await serve()
    for (const model of ['fake', 'fake:latest']) await pulled(url, model)
    const streamed = await ask(url, 'pull', { name: 'fake' })
    expect(linesOf(await streamed.text()).at(-1)).toEqual({ status: 'success' })
  })

  test('no model is made or pushed here', async () => {
    const { url } = await serve(allowed)
    for (const path of ['create', 'push', 'blobs/sha256:abc']) {
      const response = await ask(url, path, { model: 'fake' })
      expect([path, response.status]).toEqual([path, 501])
      expect(await response.json()).toEqual({ error: expect.stringContaining('neither made nor') })
    }
    expect((await fetch(`${url}/api/blobs/sha256:abc`, { method: 'HEAD' })).status).toBe(501)
  })
})

describe('a pull', () => {
  test('tells how far it is, and then the model is served by its names', async () => {
    const { url, native } = await serveModels({ tales: {}, news: {} }, allowed)
    const response = await ask(url, 'pull', { model: name })
    const lines = linesOf(await response.text())
    expect(response.headers.get('content-type')).toBe('application/x-ndjson')
    expect(lines[0]).toEqual({ status: 'pulling manifest' })
    expect(lines).toContainEqual({
      status: 'pulling lovelace-Q4_K_M.gguf',
      digest: 'lovelace-Q4_K_M.gguf',
      total: data.length,
      completed: data.length,
    })
    expect(lines.at(-1)).toEqual({ status: 'success' })
    expect(await names(url)).toEqual([
      'tales:latest',
      'news:latest',
      name,
      'hf:ada/lovelace-GGUF:Q4_K_M',
    ])
    for (const model of [name, 'hf:ada/lovelace-GGUF:Q4_K_M']) {
      const answer = await ask(url, 'chat', question({ model, stream: false }))
      expect([answer.status, await answer.json()]).toMatchObject([200, { model }])
    }
    expect(native('lovelace-Q4_K_M').options.model).toContain(inCache)
  })

  test('loads the model with the options that the owner gave for such', async () => {
    const models = { added: { context: 512 } }
    const { url, native } = await serveModels({ tales: {}, news: {} }, { ...allowed, models })
    await pulled(url)
    await ask(url, 'generate', { model: name, stream: false })
    expect(native('lovelace-Q4_K_M').options.context).toBe(512)
  })

  test('of one model at once twice ends twice, and adds it once', async () => {
    const { url, addon } = await serveModels({ tales: {}, news: {} }, allowed)
    addon.lockFile = oneAtATime()
    await Promise.all([pulled(url), pulled(url)])
    expect(hub.fetches).toHaveLength(1)
    expect((await names(url)).filter((one) => one === name)).toHaveLength(1)
  })

  test('that fails says why, in its stream or by its status', async () => {
    const { url } = await serveModels({ tales: {}, news: {} }, allowed)
    const model = 'hf.co/nobody/nothing:Q4_K_M'
    const lines = linesOf(await (await ask(url, 'pull', { model })).text())
    expect(lines.at(-1)).toEqual({ error: expect.stringContaining('nobody/nothing') })
    const whole = await ask(url, 'pull', { model, stream: false })
    expect([whole.status, await whole.json()]).toEqual([
      500,
      { error: expect.stringContaining('nobody/nothing') },
    ])
  })

  test('of a name of Ollama’s own library is refused, with the form that is taken', async () => {
    const { url } = await serveModels({ tales: {}, news: {} }, allowed)
    for (const model of ['llama3.2', 'user/model:7b', ' ', '../../etc/passwd']) {
      const response = await ask(url, 'pull', { model })
      expect([response.status, await response.json()]).toEqual([
        400,
        { error: expect.stringContaining("'model': expected hf.co/OWNER/REPO:QUANT") },
      ])
    }
  })

  test('beside a single model that stays is a 501, before anything is downloaded', async () => {
    const { url } = await serve(allowed)
    const response = await ask(url, 'pull', { model: name })
    expect([response.status, await response.json()]).toEqual([
      501,
      { error: expect.stringContaining('serves one model') },
    ])
    expect(hub.requests).toEqual([])
  })

  test('under a name that is too long is a 400, before anything is downloaded', async () => {
    const { url } = await serveModels({ tales: {}, news: {} }, allowed)
    const model = `hf.co/ada/lovelace-GGUF/${'x'.repeat(250)}.gguf`
    const response = await ask(url, 'pull', { model })
    const error = 'Expected a name of 1 to 256 characters for the new one.'
    expect([response.status, await response.json()]).toEqual([400, { error }])
    expect(hub.requests).toEqual([])
  })

  test('is given up with its client, and adds nothing', async () => {
    hub.pace = { bytes: 1000, ms: 5 }
    const { url, client, log, addon } = await serveModels({ tales: {}, news: {} }, allowed)
    let isUnderWay = false
    addon.lockFile = () => {
      isUnderWay = true
      return () => {
        isUnderWay = false
      }
    }
    const raw = await client()
    raw.send(post('/api/pull', { model: name }))
    await eventually(() => raw.text.includes('"completed"'))
    expect(isUnderWay).toBe(true)
    raw.socket.destroy()
    await eventually(() => log.length === 1)
    await eventually(() => !isUnderWay, 'it goes on')
    const { sentBytes } = hub
    expect(sentBytes).toBeLessThan(data.length)
    expect(await names(url)).toEqual(['tales:latest', 'news:latest'])
  })
})

describe('a copy', () => {
  test('is another name of a model, until it is deleted', async () => {
    for (const { url } of [
      await serve(allowed),
      await serveModels({ fake: {}, news: {} }, allowed),
    ]) {
      const body = { source: 'fake:latest', destination: 'story:latest' }
      expect((await ask(url, 'copy', body)).status).toBe(200)
      expect(await names(url)).toContain('story:latest')
      const answer = await ask(url, 'chat', question({ model: 'story', stream: false }))
      expect(await answer.json()).toMatchObject({ model: 'story', done: true })
      const openAi = await fetch(`${url}/v1/models/story`)
      expect(openAi.status).toBe(200)
      expect((await remove(url, { name: 'story' })).status).toBe(200)
      expect(await names(url)).not.toContain('story:latest')
      expect((await ask(url, 'chat', question({ model: 'story' }))).status).toBe(404)
    }
  })

  test('takes no name that is taken, and none that is no name', async () => {
    const { url } = await serve(allowed)
    const unfit = "Expected a name such as 'story' or 'story:v2' for the copy, without spaces."
    for (const [body, told] of [
      [{ source: 'fake', destination: 'default' }, "There is a model 'default' already."],
      [{ source: 'fake', destination: 'x'.repeat(257) }, 'a name of 1 to 256 characters'],
      [{ source: 'fake', destination: ' ' }, unfit],
      [{ source: 'fake', destination: 'a b' }, unfit],
      [{ source: 'fake', destination: ':latest' }, unfit],
      [{ source: 'fake', destination: 'a:latest:latest' }, unfit],
      [{ source: 'fake', destination: 'a\u0000b' }, unfit],
      [{ source: 'fake', destination: 'a\u202eb' }, unfit],
      [{ source: 'fake' }, "'destination': expected the name of a model, but got nothing."],
      [{ source: '', destination: 'a' }, `'source': expected the name of a model, but got "".`],
      [{ source: 7, destination: 'a' }, "'source': expected the name of a model, but got 7."],
      [{ source: 'fake', destination: [] }, "'destination': expected the name of a model"],
      [{ source: 'fake', destination: null }, "'destination': expected the name of a model"],
    ] as const) {
      const response = await ask(url, 'copy', body)
      expect([body, response.status]).toEqual([body, 400])
      expect(await response.json()).toEqual({ error: expect.stringContaining(told) })
    }
    expect((await ask(url, 'copy', { source: 'nope', destination: 'a' })).status).toBe(404)
  })

  test('is one of 1,024 at most', async () => {
    const { url } = await serve(allowed)
    for (let i = 0; i < 1024; i++) {
      await ask(url, 'copy', { source: 'fake', destination: `copy-${i}` })
    }
    const more = await ask(url, 'copy', { source: 'fake', destination: 'more' })
    expect([more.status, await more.json()]).toEqual([
      400,
      { error: '1024 names were given to models, as many as may be.' },
    ])
  })
})

describe('a delete', () => {
  test('takes a pulled model out of the server and out of the cache', async () => {
    const { url, events } = await serveModels({ tales: {}, news: {} }, allowed)
    await pulled(url)
    await ask(url, 'generate', { model: name, stream: false })
    expect((await remove(url, { model: name })).status).toBe(200)
    expect(events.at(-1)).toBe(`unloaded ${name} asked`)
    expect(await names(url)).toEqual(['tales:latest', 'news:latest'])
    expect(existsSync(path.join(cache, inCache))).toBe(false)
    await pulled(url) // and it may come again
    expect(await names(url)).toContain(name)
  })

  test('leaves a file in the cache that another model has', async () => {
    const { url: first } = await serveModels({ tales: {}, news: {} }, allowed)
    await pulled(first)
    const start = { model: 'hf:ada/lovelace-GGUF' }
    const { url } = await serveModels({ tales: {}, start }, allowed)
    const sameFile = 'huggingface.co/ada/lovelace-GGUF:q4_k_m'
    for (const model of [name, sameFile]) await pulled(url, model)
    for (const model of [name, sameFile]) {
      expect((await remove(url, { model })).status).toBe(200)
      expect(existsSync(path.join(cache, inCache))).toBe(true)
    }
    expect(await names(url)).toEqual(['tales:latest', 'start:latest'])
    const answer = await ask(url, 'generate', { model: 'start', prompt: 'Hi', stream: false })
    expect(answer.status).toBe(200)
  })

  test('waits for a reply under way; until then the model cannot be pulled again', async () => {
    const own = { ...allowed, pace: 'manual', script: () => ({ tokens: ['a', 'b'] }) } as const
    const { url, pool, native, isOpening, client } = await serveModels({ tales: {} }, own)
    await pulled(url)
    const reader = await client()
    reader.send(post('/api/chat', question({ model: name })))
    await eventually(() => isOpening('lovelace-Q4_K_M'))
    await eventually(() => native('lovelace-Q4_K_M').submitted.length === 1)
    const removed = remove(url, { model: name })
    await eventually(() => !pool.names.includes(name))
    const again = await ask(url, 'pull', { model: name, stream: false })
    expect([again.status, await again.json()]).toEqual([
      400,
      { error: expect.stringContaining('is being deleted, once no request uses it') },
    ])
    await stepUntil(native('lovelace-Q4_K_M'), () => reader.text.includes('"done":true'))
    expect((await removed).status).toBe(200)
    expect(existsSync(path.join(cache, inCache))).toBe(false)
    await pulled(url)
  })

  test('of a model that the server was started with is refused', async () => {
    const { url } = await serveModels({ tales: {}, news: {} }, allowed)
    for (const [body, status, told] of [
      [{ model: 'tales' }, 400, "The server was started with the model 'tales', which stays."],
      [{ name: 'news:latest' }, 400, 'which stays'],
      [{ model: 'nope' }, 404, "no model 'nope' here"],
      [{}, 400, "'model': expected the name of a model, but got nothing."],
      [{ model: '' }, 400, `'model': expected the name of a model, but got "".`],
      [{ model: 7 }, 400, "'model': expected a string, but got 7."],
      [{ name: [] }, 400, "'name': expected a string, but got an array of 0."],
    ] as const) {
      const response = await remove(url, body)
      expect([body, response.status]).toEqual([body, status])
      expect(await response.json()).toEqual({ error: expect.stringContaining(told) })
    }
  })
})

test('a delete of any name that a server answers to tells which model stays', async () => {
  const server = { ...allowed.server, anyModel: true }
  for (const { url } of [await serve({ server }), await serveModels({ fake: {} }, { server })]) {
    const response = await remove(url, { model: 'whatever' })
    const error = "The server was started with the model 'fake', which stays."
    expect([response.status, await response.json()]).toEqual([400, { error }])
  }
})

test('wrong requests to pull are told in one text', async () => {
  const { url } = await serve(allowed)
  for (const [body, told] of [
    [{ model: 7 }, "'model': expected a string, but got 7."],
    [{ name: {} }, "'name': expected a string, but got an empty object."],
    [{ model: ['a'] }, "'model': expected a string, but got an array of 1."],
    [{ model: name, stream: 'no' }, `'stream': expected true or false, but got "no".`],
    [{ model: name, stream: 1 }, "'stream': expected true or false, but got 1."],
    [{}, "'model': expected hf.co/OWNER/REPO:QUANT"],
    [{ model: 'hf.co/x' }, "'model': expected hf.co/OWNER/REPO:QUANT"],
  ] as const) {
    const response = await ask(url, 'pull', body)
    expect([body, response.status]).toEqual([body, 400])
    expect(await response.json()).toEqual({ error: expect.stringContaining(told) })
  }
})
