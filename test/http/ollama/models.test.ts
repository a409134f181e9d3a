import { setImmediate } from 'node:timers/promises'
import { describe, expect, test, vi } from 'vitest'
import { eventually } from '../../support/eventually.js'
import { serveModels } from '../../support/pool/serve-models.js'
import { closeAfterEach, serve } from '../../support/serve.js'
import { wireCheck } from '../../support/wire/checks.mjs'
import { ask, type OllamaLine, question } from '../../support/wire/ollama.js'

// What Ollama's clients look for first: which models there are, what they do, and which are loaded.

closeAfterEach()

async function json(response: Response | Promise<Response>): Promise<Record<string, unknown>> {
  const answer = await response
  const body: unknown = await answer.json()
  expect([answer.status, body]).toEqual([200, expect.anything()])
  return body as Record<string, unknown>
}

const get = (url: string, path: string) => json(fetch(`${url}/api/${path}`))

const model = {
  name: 'Fake Model',
  description: 'llama 1B Q4_K - Medium',
  parameters: 1_235_000_000,
  bytes: 700,
  trainedContext: 131_072,
  vocabulary: 32_000,
}
const details = {
  parent_model: '',
  format: 'gguf',
  family: 'llama',
  families: ['llama'],
  parameter_size: '1.2B',
  quantization_level: 'Q4_K_M',
  context_length: 2048,
}

/** The same of one of several: their context is the usual one where none is asked for. */
const pooled = { ...details, context_length: 8192 }

test('GET /api/version tells the release whose API it is', async () => {
  const { url } = await serve()
  expect(await get(url, 'version')).toEqual({ version: expect.stringMatching(/^0\.\d+\.\d+$/) })
})

test('GET / says that a server is there', async () => {
  const { url } = await serve({ server: { page: true } }) // else a handler has no root
  const plain = await fetch(url)
  expect([plain.status, await plain.text()]).toEqual([200, 'Ollama is running'])
  expect((await fetch(url, { method: 'HEAD' })).status).toBe(200)
})

describe('GET /api/tags', () => {
  test('lists each name with a tag, and not `default`', async () => {
    const { url } = await serve({ model, server: { aliases: ['tales', 'org/tales:7b'] } })
    const { models } = await get(url, 'tags')
    const listed = models as Record<string, unknown>[]
    expect(listed.map(({ name }) => name)).toEqual(['fake:latest', 'tales:latest', 'org/tales:7b'])
    expect(listed[0]).toEqual({
      name: 'fake:latest',
      model: 'fake:latest',
      modified_at: expect.stringMatching(/Z$/),
      size: 700,
      digest: expect.stringMatching(/^[0-9a-f]{64}$/),
      details,
      capabilities: ['completion', 'tools'],
    })
  })

  test('lists models that are not loaded, as far as they are known', async () => {
    const { url, pool } = await serveModels({ tales: {}, news: {} }, { model })
    await eventually(() => pool.known('news') !== undefined)
    const { models } = await get(url, 'tags')
    expect(models).toMatchObject([
      { name: 'tales:latest', details: pooled },
      { name: 'news:latest', details: pooled },
    ])
    const digests = (models as { digest: string }[]).map(({ digest }) => digest)
    expect(new Set(digests).size).toBe(2)
  })
})

describe('POST /api/show', () => {
  test('tells what clients look for: context, name and abilities', async () => {
    const { url } = await serve({ model: { ...model, canInfill: true } })
    for (const body of [{ model: 'fake' }, { name: 'fake:latest', verbose: true }]) {
      const shown = await json(ask(url, 'show', body))
      expect(shown).toMatchObject({
        details,
        model_info: {
          'general.architecture': 'llama',
          'general.basename': 'Fake Model',
          'general.parameter_count': 1_235_000_000,
          'llama.context_length': 2048,
          'llama.vocab_size': 32_000,
        },
        capabilities: ['completion', 'tools', 'insert'],
        template: expect.stringContaining('.Suffix'),
        parameters: expect.stringMatching(/^num_ctx +2048\n/),
      })
    }
  })

  test('tells of a model that embeds how long its vectors are', async () => {
    const { url } = await serve({ embedding: { size: 4, pooling: 'mean' }, model })
    const shown = await json(ask(url, 'show', { model: 'fake' }))
    expect(shown).toMatchObject({
      capabilities: ['embedding'],
      model_info: { 'llama.embedding_length': 4 },
      template: '',
    })
  })

  test('waits until the model is known', async () => {
    const { url } = await serveModels({ tales: {}, news: {} }, { model })
    expect(await json(ask(url, 'show', { model: 'news' }))).toMatchObject({ details: pooled })
  })
})

describe('GET /api/ps', () => {
  test('lists the one model that there is, for ever', async () => {
    const { url } = await serve({ model })
    const { models } = await get(url, 'ps')
    expect(models).toEqual([
      {
        name: 'fake:latest',
        model: 'fake:latest',
        size: expect.any(Number),
        digest: expect.any(String),
        details,
        expires_at: '2318-01-01T00:00:00.000Z',
        size_vram: 0,
        context_length: 2048,
      },
    ])
  })

  test('lists those that are loaded, until they are unloaded', async () => {
    const { url } = await serveModels({ tales: {}, news: {} }, { models: { idleUnloadMs: 60_000 } })
    expect(await get(url, 'ps')).toEqual({ models: [] })
    const before = Date.now()
    await json(ask(url, 'chat', question({ model: 'news', stream: false })))
    const { models } = (await get(url, 'ps')) as { models: Record<string, string>[] }
    expect(models.map(({ name }) => name)).toEqual(['news:latest'])
    const expiresAt = Date.parse(models[0]?.expires_at ?? '')
    expect(expiresAt - before).toBeGreaterThan(50_000)
    expect(expiresAt - Date.now()).toBeLessThanOrEqual(60_000)
  })
})

describe(wireCheck(78), () => {
  const load = async (url: string, body: object) => {
    return (await json(ask(url, 'generate', { stream: false, ...body }))) as unknown as OllamaLine
  }

  test('a request without a prompt loads a model, and 0 unloads it: both say so', async () => {
    const { url, events } = await serveModels({ tales: {}, news: {} })
    const chat = await json(ask(url, 'chat', { model: 'news', stream: false }))
    expect(chat).toMatchObject({ message: { content: '' }, done: true, done_reason: 'load' })
    expect(events).toContain('loaded news')
    expect(await load(url, { model: 'news', keep_alive: 0 })).toMatchObject({
      model: 'news',
      done_reason: 'unload',
    })
    await eventually(() => events.includes('unloaded news asked'))
    expect(await load(url, { model: 'news', keep_alive: 0 })).toMatchObject({
      done_reason: 'unload', // as it is
    })
  })

  test('a model is unloaded behind its reply where it is 0', async () => {
    const { url, events } = await serveModels({ tales: {}, news: {} })
    await json(ask(url, 'chat', question({ model: 'news', stream: false, keep_alive: 0 })))
    await eventually(() => events.includes('unloaded news idle'))
    expect(events.filter((event) => event.includes('tales'))).toEqual([])
  })

  test('a request’s word goes before the server’s own time, either way', async () => {
    const { url, pool } = await serveModels({ a: {}, b: {} }, { models: { idleUnloadMs: 60_000 } })
    const until = () => pool.pool.idleAt('a')
    await load(url, { model: 'a', keep_alive: '1h' })
    expect((until() ?? 0) - Date.now()).toBeGreaterThan(3_500_000)
    await load(url, { model: 'a', keep_alive: -1 })
    expect(until()).toBeUndefined()
    await load(url, { model: 'a', keep_alive: '1500ms' })
    expect((until() ?? 0) - Date.now()).toBeLessThanOrEqual(1500)
    await load(url, { model: 'a', keep_alive: '1m30s' })
    expect((until() ?? 0) - Date.now()).toBeGreaterThan(80_000)
    await load(url, { model: 'a', keep_alive: '.5h' }) // as Go reads it too
    expect((until() ?? 0) - Date.now()).toBeGreaterThan(1_700_000)
  })

  test('a model is unloaded when its time is over', async () => {
    const { url, events, pool } = await serveModels({ a: {}, b: {} })
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    try {
      await load(url, { model: 'a', keep_alive: 5 })
      while (pool.list()[0]?.inUse !== 0) await setImmediate()
      await vi.advanceTimersByTimeAsync(4999)
      expect(events).not.toContain('unloaded a idle')
      await vi.advanceTimersByTimeAsync(1)
      while (!events.includes('unloaded a idle')) await setImmediate()
    } finally {
      vi.useRealTimers()
    }
  })

  test('an unload is refused of a server whose only model stays', async () => {
    const { url } = await serve()
    const response = await ask(url, 'generate', { model: 'fake', keep_alive: 0 })
    expect([response.status, await response.json()]).toEqual([
      400,
      { error: "This server's model stays as long as the server." },
    ])
  })
})
