import Anthropic from '@anthropic-ai/sdk'
import OpenAI from 'openai'
import { describe, expect, test, vi } from 'vitest'
import { eventually, settle } from '../support/eventually.js'
import { serveModels } from '../support/pool/serve-models.js'
import { post } from '../support/raw-client.js'
import {
  alsoClose,
  chat,
  chatPath,
  closeAfterEach,
  counting,
  postJson,
  stepUntil,
  story,
} from '../support/serve.js'
import { chunksOf } from '../support/sse.js'

// Two or three made-up models behind one server; each takes 31 MiB. How they come and go without
// HTTP is in test/pool.

closeAfterEach()

const pingEvent = 'event: ping\ndata: {"type":"ping"}\n\n'

const whole = (model: string | undefined) => story({ model, stream: false, max_tokens: 4 })

async function listed(url: string, headers: Record<string, string> = {}) {
  const response = await fetch(`${url}/v1/models`, { headers })
  const { data } = (await response.json()) as { data: Record<string, unknown>[] }
  return data
}

describe('requests of several models', () => {
  test('have the model that they name, which is loaded then', async () => {
    const { url, events, native } = await serveModels({ tales: {}, news: {} })
    for (const model of ['news', 'tales', 'news', 'default', '']) {
      const response = await chat(url, whole(model))
      const reply = await response.json()
      expect(reply).toMatchObject({ model: model === '' ? 'tales' : model })
    }
    expect(native('tales').submitted).toHaveLength(3)
    expect(native('news').submitted).toHaveLength(2)
    expect(events).toEqual(['loading news', 'loaded news', 'loading tales', 'loaded tales'])
  })

  test('may name them by an alias, and the default one as the server says', async () => {
    const models = { tales: {}, news: { aliases: ['paper', 'org/news:q4'] } }
    const own = { models: { default: 'news' }, server: { aliases: ['any'] } }
    const { url, native } = await serveModels(models, own)
    for (const model of ['paper', 'org/news:q4', 'any', 'default']) {
      expect(await (await chat(url, whole(model))).json()).toMatchObject({ model })
    }
    expect(native('news').submitted).toHaveLength(4)
  })

  test('have each name of a model once, also where an alias is its own name', async () => {
    const server = { aliases: ['tales', 'any', 'any'] }
    const { url } = await serveModels({ tales: { aliases: ['any'] }, news: {} }, { server })
    expect((await listed(url)).map(({ id }) => id)).toEqual(['tales', 'any', 'default', 'news'])
  })

  test('of a name that is not there get a 404 with those that are, in each protocol', async () => {
    const { url } = await serveModels({ tales: {}, news: { aliases: ['paper'] } })
    const known = "'tales', 'default', 'news', 'paper'"
    const openAi = await chat(url, whole('nope'))
    expect([openAi.status, await openAi.json()]).toMatchObject([
      404,
      { error: { code: 'model_not_found', message: expect.stringContaining(known) } },
    ])
    const message = { model: 'nope', max_tokens: 4, messages: [{ role: 'user', content: 'a' }] }
    const anthropic = await postJson(url, '/v1/messages', message)
    expect([anthropic.status, await anthropic.json()]).toMatchObject([
      404,
      {
        type: 'error',
        error: { type: 'not_found_error', message: expect.stringContaining(known) },
      },
    ])
    for (const path of ['/models/load', '/models/unload']) {
      expect((await postJson(url, path, { model: 'nope' })).status).toBe(404)
    }
  })

  test('of any name are answered by the default model where the server says so', async () => {
    const { url, native } = await serveModels(
      { tales: {}, news: {} },
      { server: { anyModel: true } },
    )
    expect(await (await chat(url, whole('gpt-5'))).json()).toMatchObject({ model: 'tales' })
    expect(native('tales').submitted).toHaveLength(1)
  })

  test('embed with one model while another writes', async () => {
    const { url } = await serveModels(
      { tales: {}, news: {} },
      { embedding: { size: 4, pooling: 'mean' } },
    )
    const response = await postJson(url, '/v1/embeddings', { model: 'news', input: 'a' })
    expect(response.status).toBe(200)
    const refused = await chat(url, whole('tales')) // known by its estimate, and not loaded for it
    expect([refused.status, await refused.json()]).toMatchObject([
      400,
      { error: { param: 'model' } },
    ])
    expect((await listed(url)).map(({ id, state }) => `${id} ${state}`)).toEqual([
      'tales unloaded',
      'default unloaded',
      'news loaded',
    ])
  })

  test('make room by bytes: the least recently used model goes, none in use', async () => {
    const { events, native, client, pool } = await serveModels(
      { a: {}, b: {}, c: {} },
      { models: { memoryMiB: 64 }, pace: 'manual', script: () => ({ tokens: counting() }) },
    )
    const raw = await client()
    raw.send(post(chatPath, story({ model: 'a' })))
    await eventually(() => events.includes('loaded a'))
    await stepUntil(native('a'), () => raw.text.includes('"0 "'))
    await pool.load('b')
    await pool.load('c')
    expect(events.slice(4)).toEqual(['unloaded b memory', 'loading c', 'loaded c'])
    expect(pool.pool.bytes).toBeLessThanOrEqual(64 * 2 ** 20)
  })
})

describe('a model that is loaded', () => {
  test('is waited for by its requests, and a client that leaves ends nobody else', async () => {
    const { url, native, client, pool, events, isOpening } = await serveModels(
      { tales: {} },
      { load: 'estimated' },
    )
    const leaver = await client()
    leaver.send(post(chatPath, story({ model: 'tales' })))
    const stays = chat(url, whole('tales'))
    await eventually(() => pool.list()[0]?.waiting === 2)
    leaver.reset()
    await eventually(() => pool.list()[0]?.waiting === 1)
    await eventually(() => isOpening('tales'))
    native('tales').ready()
    expect((await stays).status).toBe(200)
    expect(native('tales').submitted).toHaveLength(1)
    expect(events).toEqual(['loading tales', 'loaded tales'])
    await eventually(() => pool.list()[0]?.inUse === 0)
  })

  test.each([
    ['/v1/chat/completions', story({ model: 'tales' })],
    ['/v1/completions', { model: 'tales', prompt: 'a', stream: true }],
    ['/v1/responses', { model: 'tales', input: 'a', stream: true }],
    ['/completion', { model: 'tales', prompt: 'a', stream: true }],
    ['/infill', { model: 'tales', input_prefix: 'a', input_suffix: 'b', stream: true }],
    [
      '/v1/messages',
      { model: 'tales', max_tokens: 4, stream: true, messages: [{ role: 'user', content: 'a' }] },
    ],
  ])('has a stream of %s begin with pings, and go on as ever', async (path, body) => {
    const model = { canInfill: true }
    const own = { load: 'estimated', server: { pingMs: 20 }, model } as const
    const { url, native, isOpening } = await serveModels({ tales: {} }, own)
    const response = await postJson(url, path, body)
    expect(response.status).toBe(200)
    expect(response.headers.get('content-type')).toContain('text/event-stream')
    const reader = (response.body as ReadableStream<Uint8Array>).getReader()
    const read = async () => Buffer.from((await reader.read()).value ?? []).toString()
    const ping = path === '/v1/messages' ? pingEvent : ': ping\n\n'
    let begun = '' // of which one read may have several
    while (begun.length < 2 * ping.length) begun += await read()
    expect(begun.replaceAll(ping, '')).toBe('')
    await eventually(() => isOpening('tales'))
    native('tales').ready()
    let rest = ''
    for (let text = await read(); text !== ''; text = await read()) rest += text
    expect(rest).toContain('Once')
    expect(rest).not.toMatch(/event: error|"error":\{/)
  })

  test('ends a stream that has begun with an error of its wire where its load fails', async () => {
    const own = { load: 'estimated', server: { pingMs: 20 } } as const
    const { url, native, log, isOpening } = await serveModels({ tales: {} }, own)
    const message = { model: 'tales', max_tokens: 4, messages: [{ role: 'user', content: 'a' }] }
    const all = await Promise.all([
      chat(url, story({ model: 'tales' })),
      postJson(url, '/v1/messages', { ...message, stream: true }),
      postJson(url, '/v1/responses', { model: 'tales', input: 'a', stream: true }),
      postJson(url, '/completion', { model: 'tales', prompt: 'a', stream: true }),
    ])
    await eventually(() => isOpening('tales'))
    native('tales').failLoad({ code: 'ERR_OUT_OF_MEMORY', message: 'no memory' })
    const [chatText = '', messageText, responseText, ownText = ''] = await Promise.all(
      all.map((one) => one.text()),
    )
    expect(chunksOf(chatText).at(-1)?.error).toMatchObject({ code: 'load_failed' })
    expect(chunksOf(ownText).at(-1)?.error).toMatchObject({ code: 503, type: 'unavailable_error' })
    expect(messageText).toContain('event: error\ndata: {"type":"error"')
    expect(responseText).toMatch(/event: error\n[\s\S]*event: response\.failed\n/)
    await eventually(() => log.length === 4)
    expect(log.map(({ status, code, outcome }) => `${status} ${code} ${outcome}`)).toEqual([
      '200 load_failed failed',
      '200 load_failed failed',
      '200 load_failed failed',
      '200 load_failed failed',
    ])
  })

  test('is asked nothing by a client that has left once its stream began', async () => {
    const own = { load: 'estimated', server: { pingMs: 20 } } as const
    const { native, client, pool, isOpening } = await serveModels({ tales: {} }, own)
    const raw = await client()
    raw.send(post(chatPath, story({ model: 'tales' })))
    await eventually(() => isOpening('tales'))
    await eventually(() => raw.text.includes(': ping'))
    raw.reset()
    await eventually(() => pool.list()[0]?.waiting === 0)
    native('tales').ready()
    await eventually(() => pool.list()[0]?.state === 'loaded')
    await settle()
    expect(native('tales').submitted).toEqual([])
    expect(pool.list()[0]?.inUse).toBe(0)
  })
})

describe('a model that fails to load', () => {
  test.each([
    ['ERR_OUT_OF_MEMORY', 503, 'load_failed', '1'],
    ['ERR_ENGINE_FAILED', 503, 'load_failed', '1'],
    ['ERR_MODEL_NOT_FOUND', 500, 'model_unusable', null],
    ['ERR_MODEL_INVALID', 500, 'model_unusable', null],
  ] as const)('by %s gives its requests a %i %s', async (cause, status, code, retryAfter) => {
    const { url, native, pool, isOpening } = await serveModels(
      { tales: {}, news: {} },
      { load: 'estimated' },
    )
    const asked = [chat(url, whole('tales')), chat(url, whole('tales'))]
    await eventually(() => isOpening('tales') && pool.list()[0]?.waiting === 2)
    // Its clock stands, or a request that comes a second later has it loaded again.
    vi.useFakeTimers({ toFake: ['performance'] })
    alsoClose(async () => void vi.useRealTimers())
    native('tales').failLoad({ code: cause, message: 'it is broken' })
    for (const response of [...(await Promise.all(asked)), await chat(url, whole('tales'))]) {
      expect(response.status).toBe(status)
      expect(response.headers.get('retry-after')).toBe(retryAfter)
      expect(await response.json()).toMatchObject({
        error: { code, message: expect.stringContaining(`it is broken (${cause})`) },
      })
    }
    const [tales] = await listed(url)
    expect(tales).toMatchObject({ state: 'failed', status: { value: 'unloaded', failed: true } })
    expect((await fetch(`${url}/health`)).status).toBe(200)
  })
})

describe('the list of models', () => {
  test('says of a reranker that it ranks, and nothing else may be asked of it', async () => {
    const { url } = await serveModels({ order: {} }, { embedding: { size: 1, pooling: 'rank' } })
    const ranked = await postJson(url, '/v1/rerank', {
      model: 'order',
      query: 'a',
      documents: ['b'],
    })
    expect(ranked.status).toBe(200)
    expect(await listed(url)).toMatchObject([{ capabilities: ['rerank'] }, { id: 'default' }])
    const embedded = await postJson(url, '/v1/embeddings', { model: 'order', input: 'a' })
    expect([embedded.status, await embedded.json()]).toMatchObject([
      400,
      { error: { message: expect.stringContaining("'order' ranks documents, and neither") } },
    ])
  })

  test('tells state, context and abilities of each, before it is loaded too', async () => {
    const { url, pool } = await serveModels({ tales: {}, news: { context: 512 } })
    await eventually(() => pool.known('news') !== undefined)
    expect(await listed(url)).toMatchObject([
      { id: 'tales', state: 'unloaded', status: { value: 'unloaded' }, max_model_len: 2048 },
      { id: 'default' },
      {
        id: 'news',
        state: 'unloaded',
        capabilities: ['completion', 'tools'],
        meta: { size: 4_000_000 },
      },
    ])
    await chat(url, whole('news'))
    const one = await (await fetch(`${url}/v1/models/news`)).json()
    expect(one).toMatchObject({ state: 'loaded', capabilities: ['completion', 'tools'] })
    await pool.unload('news')
    expect(await (await fetch(`${url}/v1/models/news`)).json()).toEqual({
      ...(one as object),
      state: 'unloaded',
      status: { value: 'unloaded' },
    })
  })

  test('has them in the shape of Anthropic for its clients', async () => {
    const { url, pool } = await serveModels({ tales: {}, news: {} })
    await eventually(() => pool.known('news') !== undefined)
    await chat(url, whole('news'))
    const data = await listed(url, { 'anthropic-version': '2023-06-01' })
    expect(data).toMatchObject([
      {
        id: 'tales',
        type: 'model',
        state: 'unloaded',
        max_tokens: 2048,
        capabilities: { batch: {} },
      },
      { id: 'default' },
      { id: 'news', state: 'loaded', max_input_tokens: 2048, capabilities: { batch: {} } },
    ])
  })
})

describe('loading and unloading over HTTP, as with the router of llama-server', () => {
  test('a load is answered at once, and GET /models tells what comes of it', async () => {
    const { url, native, pool, isOpening } = await serveModels(
      { tales: {}, news: {} },
      { load: 'estimated' },
    )
    const response = await postJson(url, '/models/load', { model: 'news' })
    expect([response.status, await response.json()]).toEqual([200, { success: true }])
    await eventually(() => isOpening('news'))
    const { data } = (await (await fetch(`${url}/models`)).json()) as { data: object[] }
    expect(data.at(-1)).toMatchObject({ id: 'news', status: { value: 'loading' } })
    native('news').ready()
    await eventually(() => pool.list()[1]?.state === 'loaded')
    const again = await postJson(url, '/models/load', { model: 'news' })
    expect([again.status, await again.json()]).toMatchObject([
      400,
      { error: { message: "The model 'news' is loaded already." } },
    ])
  })

  test('a load that is asked for often is one, and stays when requests leave', async () => {
    const { url, client, native, pool, isOpening } = await serveModels(
      { tales: {}, news: {} },
      { load: 'estimated' },
    )
    const load = vi.spyOn(pool.pool, 'load')
    void pool.load('tales')
    await eventually(() => isOpening('tales'))
    load.mockClear()
    const leaver = await client()
    leaver.send(post(chatPath, story({ model: 'news' })))
    await eventually(() => pool.list()[1]?.waiting === 1)
    for (let times = 0; times < 3; times++) {
      expect((await postJson(url, '/models/load', { model: 'news' })).status).toBe(200)
    }
    expect(load).toHaveBeenCalledTimes(1)
    expect(pool.list()[1]?.waiting).toBe(1)
    leaver.reset()
    await eventually(() => pool.list()[1]?.waiting === 0)
    native('tales').ready()
    await eventually(() => isOpening('news'))
    native('news').ready()
    await eventually(() => pool.list()[1]?.state === 'loaded')
  })

  test('an unload waits for the requests that use the model', async () => {
    const own = { pace: 'manual', script: () => ({ tokens: counting() }) } as const
    const { url, native, client, pool } = await serveModels({ tales: {} }, own)
    const raw = await client()
    raw.send(post(chatPath, story({ model: 'tales' })))
    await eventually(() => pool.list()[0]?.inUse === 1)
    await stepUntil(native('tales'), () => raw.text.includes('"0 "'))
    expect((await postJson(url, '/models/unload', { model: 'tales' })).status).toBe(200)
    const before = raw.text.length
    await stepUntil(native('tales'), () => raw.text.length > before)
    raw.reset()
    await stepUntil(native('tales'), () => pool.list()[0]?.unloads === 1)
    expect((await postJson(url, '/models/unload', { model: 'tales' })).status).toBe(400)
  })

  test('an unload gives a load up, and its requests get a 503', async () => {
    const { url, isOpening } = await serveModels({ tales: {} }, { load: 'estimated' })
    const asked = chat(url, whole('tales'))
    await eventually(() => isOpening('tales'))
    await postJson(url, '/models/unload', { model: 'tales' })
    const response = await asked
    expect([response.status, await response.json()]).toMatchObject([
      503,
      { error: { code: 'model_unloaded' } },
    ])
  })
})

test('metrics tell loads, unloads and memory of each model', async () => {
  const { url, pool } = await serveModels({ a: {}, b: {}, c: {} }, { models: { memoryMiB: 64 } })
  for (const model of ['a', 'b', 'c', 'a']) await (await chat(url, whole(model))).json()
  await eventually(() => pool.list().every(({ inUse }) => inUse === 0))
  const page = await (await fetch(`${url}/metrics`)).text()
  for (const [model, loads, unloads, isLoaded] of [
    ['a', 2, 1, 1],
    ['b', 1, 1, 0],
    ['c', 1, 0, 1],
  ]) {
    const labels = `{model_name="${model}"}`
    expect(page).toContain(`sluice_model_loads_total${labels} ${loads}\n`)
    expect(page).toContain(`sluice_model_unloads_total${labels} ${unloads}\n`)
    expect(page).toContain(`sluice_model_loaded${labels} ${isLoaded}\n`)
  }
  expect(page).toContain(`sluice_models_memory_bytes{kind="budget"} ${64 * 2 ** 20}\n`)
  expect(page).toContain(`sluice_models_memory_bytes{kind="used"} ${pool.pool.bytes}\n`)
})

test('a drain ends requests that wait for a load, and leaves the pool open', async () => {
  const { createServer } = await import('../support/adapters/adapter.js')
  const { pool, native, isOpening } = await serveModels({ tales: {} }, { load: 'estimated' })
  const server = createServer({ engine: pool, port: 0 })
  const { url } = await server.listen()
  const asked = chat(url, whole('tales'))
  await eventually(() => pool.list()[0]?.waiting === 1 && isOpening('tales'))
  await server.drain({ deadlineMs: 1 })
  const response = await asked
  expect([response.status, await response.json()]).toMatchObject([
    503,
    { error: { code: 'shutting_down' } },
  ])
  expect(pool.closed).toBe(false)
  native('tales').ready()
  await eventually(() => pool.list()[0]?.state === 'loaded')
})

test('once the pool is closed its server says that it shuts down', async () => {
  const { pool, url } = await serveModels({ tales: {} })
  await pool.close()
  for (const path of ['/health', '/v1/models']) {
    const response = await fetch(url + path)
    expect([response.status, await response.json()]).toMatchObject([
      503,
      { error: { code: 'shutting_down' } },
    ])
  }
})

test('official clients read streams that began with pings as any other', async () => {
  const own = { load: 'estimated', server: { pingMs: 20 } } as const
  const { url, isOpening, native, pool } = await serveModels({ tales: {} }, own)
  const message = { role: 'user', content: 'Tell me a story' } as const
  const asked = { model: 'tales', messages: [message], stream: true as const }
  const openAi = new OpenAI({ baseURL: `${url}/v1`, apiKey: 'none', maxRetries: 0 })
  const anthropic = new Anthropic({ baseURL: url, apiKey: 'none', maxRetries: 0 })
  const streams = [
    openAi.chat.completions.create(asked),
    anthropic.messages.create({ ...asked, max_tokens: 20 }),
  ] as const
  const [chunks, events] = await Promise.all(streams) // their headers are there
  await eventually(() => isOpening('tales'))
  expect(pool.list()[0]?.state).toBe('loading')
  native('tales').ready()
  let text = ''
  for await (const { choices } of chunks) text += choices[0]?.delta.content ?? ''
  const types: string[] = []
  for await (const { type } of events) types.push(type)
  expect(text).toBe('Once upon a time.')
  expect([types[0], types.at(-1)]).toEqual(['message_start', 'message_stop'])
})
