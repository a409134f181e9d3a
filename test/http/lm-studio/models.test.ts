import { describe, expect, test } from 'vitest'
import { eventually } from '../../support/eventually.js'
import { serveModels } from '../../support/pool/serve-models.js'
import { closeAfterEach, postJson, serve } from '../../support/serve.js'
import { wireCheck } from '../../support/wire/checks.mjs'

// How LM Studio's clients find models, and have them loaded.

closeAfterEach()

const model = {
  name: 'Fake Model',
  description: 'qwen3 4B Q4_K - Medium',
  parameters: 4_022_000_000,
  bytes: 700,
  trainedContext: 40_960,
  reasoningEnds: ['</think>'],
}

async function get(url: string, path: string): Promise<Record<string, unknown>> {
  const response = await fetch(`${url}/api/${path}`)
  expect(response.status).toBe(200)
  return (await response.json()) as Record<string, unknown>
}

const told = {
  object: 'model',
  type: 'llm',
  arch: 'qwen3',
  compatibility_type: 'gguf',
  quantization: 'Q4_K_M',
  capabilities: ['tool_use'],
}
const inMemory = { state: 'loaded', max_context_length: 2048, loaded_context_length: 2048 }

describe(wireCheck(80), () => {
  test('GET /api/v0/models lists each name, with its kind, context and state', async () => {
    const { url } = await serve({ model, server: { aliases: ['ada/lovelace'] } })
    expect(await get(url, 'v0/models')).toEqual({
      object: 'list',
      data: [
        { id: 'fake', publisher: 'local', ...told, ...inMemory },
        { id: 'ada/lovelace', publisher: 'ada', ...told, ...inMemory },
        { id: 'default', publisher: 'local', ...told, ...inMemory },
      ],
    })
    expect(await get(url, 'v0/models/ada%2Flovelace')).toMatchObject({ id: 'ada/lovelace' })
    expect(await get(url, 'v0/models/ada/lovelace')).toMatchObject({ id: 'ada/lovelace' })
    expect((await fetch(`${url}/api/v0/models/nope`)).status).toBe(404)
  })

  test('GET /api/v0/models lists models that embed, and those that are not loaded', async () => {
    const fake = { embedding: { size: 4, pooling: 'mean' } as const, model }
    const { url, pool } = await serveModels({ vectors: {}, more: {} }, fake)
    await eventually(() => pool.known('more') !== undefined)
    const { data } = await get(url, 'v0/models')
    const first = (data as Record<string, unknown>[])[0]
    expect(first).toMatchObject({ id: 'vectors', type: 'embeddings', state: 'not-loaded' })
    expect(first).not.toHaveProperty('loaded_context_length')
  })
})

test('what is asked below /api/v0 is answered as below /v1', async () => {
  const { url } = await serve()
  const messages = [{ role: 'user', content: 'Hi' }]
  const chat = await postJson(url, '/api/v0/chat/completions', { messages })
  expect(await chat.json()).toMatchObject({
    object: 'chat.completion',
    choices: [{ message: { content: 'Once upon a time.' } }],
  })
  const text = await postJson(url, '/api/v0/completions', { prompt: 'Hi' })
  expect(await text.json()).toMatchObject({ choices: [{ text: 'Once upon a time.' }] })
  const embedder = await serve({ embedding: { size: 4, pooling: 'mean' } })
  const vectors = await postJson(embedder.url, '/api/v0/embeddings', { input: 'Hi' })
  expect(await vectors.json()).toMatchObject({ data: [{ object: 'embedding' }] })
})

describe('GET /api/v1/models', () => {
  test('lists each model once, with what it is loaded as', async () => {
    const { url } = await serve({ model, engine: { flashAttention: true } })
    expect(await get(url, 'v1/models')).toEqual({
      models: [
        {
          type: 'llm',
          publisher: 'local',
          key: 'fake',
          display_name: 'Fake Model',
          architecture: 'qwen3',
          quantization: { name: 'Q4_K_M', bits_per_weight: 4 },
          size_bytes: 700,
          params_string: '4B',
          loaded_instances: [
            {
              id: 'fake',
              config: {
                context_length: 2048,
                parallel: 4,
                flash_attention: true,
                offload_kv_cache_to_gpu: false,
              },
            },
          ],
          max_context_length: 2048,
          format: 'gguf',
          capabilities: {
            vision: false,
            trained_for_tool_use: true,
            reasoning: { allowed_options: ['off', 'on'], default: 'on' },
          },
          description: null,
        },
      ],
    })
  })

  test('tells less of models that embed, and of those that are not loaded', async () => {
    const fake = { embedding: { size: 4, pooling: 'mean' } as const, model }
    const { url, pool } = await serveModels({ vectors: {}, more: {} }, fake)
    await eventually(() => pool.known('more') !== undefined)
    const { models } = await get(url, 'v1/models')
    const first = (models as object[])[0]
    expect(first).toMatchObject({ type: 'embedding', key: 'vectors', loaded_instances: [] })
    expect(first).not.toHaveProperty('capabilities')
    expect(first).not.toHaveProperty('architecture')
  })
})

describe('POST /api/v1/models/load', () => {
  test('answers once the model is loaded, with what it was loaded as', async () => {
    const { url, events } = await serveModels({ tales: {}, news: {} }, { model })
    const body = { model: 'news', echo_load_config: true, context_length: 512, num_experts: 4 }
    const response = await postJson(url, '/api/v1/models/load', body)
    expect([response.status, await response.json()]).toMatchObject([
      200,
      {
        type: 'llm',
        instance_id: 'news',
        load_time_seconds: expect.any(Number),
        status: 'loaded',
        load_config: { context_length: 8192, parallel: 4 },
      },
    ])
    expect(events).toEqual(['loading news', 'loaded news'])
    expect(response.headers.get('x-sluice-notes')).toBe(
      'context_length: it is 8192, settled when the server was started, so it had no effect | ' +
        'num_experts: settled when the server was started, so it had no effect',
    )
  })

  test('is answered at once of a model that is there, and no such one is unloaded', async () => {
    const { url } = await serve()
    const loaded = await postJson(url, '/api/v1/models/load', { model: 'fake' })
    expect(await loaded.json()).toMatchObject({ instance_id: 'fake', status: 'loaded' })
    const refused = await postJson(url, '/api/v1/models/unload', { instance_id: 'fake' })
    expect([refused.status, await refused.json()]).toMatchObject([
      400,
      { error: { message: "This server's model stays as long as the server." } },
    ])
  })

  test('is undone by unload', async () => {
    const { url, events } = await serveModels({ tales: {}, news: {} })
    await postJson(url, '/api/v1/models/load', { model: 'news' })
    const response = await postJson(url, '/api/v1/models/unload', { instance_id: 'news' })
    expect([response.status, await response.json()]).toEqual([200, { instance_id: 'news' }])
    await eventually(() => events.includes('unloaded news asked'))
  })

  const aName = 'the name of a model'
  const whole = 'a whole number from 1 to 2147483647'
  const wrong: [path: string, body: object, told: string][] = [
    ['load', {}, `'model': expected ${aName}, but got nothing.`],
    ['load', { model: '' }, `'model': expected ${aName}, but got "".`],
    ['load', { model: 7 }, `'model': expected ${aName}, but got 7.`],
    [
      'load',
      { model: 'fake', context_length: 0 },
      `'context_length': expected ${whole}, but got 0.`,
    ],
    [
      'load',
      { model: 'fake', flash_attention: 'on' },
      `'flash_attention': expected true or false, but got "on".`,
    ],
    [
      'load',
      { model: 'fake', echo_load_config: 1 },
      "'echo_load_config': expected true or false, but got 1.",
    ],
    ['load', { model: 'fake', num_experts: 0.5 }, `'num_experts': expected ${whole}, but got 0.5.`],
    ['unload', {}, `'instance_id': expected ${aName}, but got nothing.`],
    ['unload', { model: 'fake' }, `'instance_id': expected ${aName}, but got nothing.`],
    ['unload', { instance_id: '' }, `'instance_id': expected ${aName}, but got "".`],
    ['unload', { instance_id: 7 }, `'instance_id': expected ${aName}, but got 7.`],
    ['unload', { instance_id: null }, `'instance_id': expected ${aName}, but got null.`],
    ['unload', { instance_id: ['a'] }, `'instance_id': expected ${aName}, but got an array of 1.`],
    ['unload', { instance_id: true }, `'instance_id': expected ${aName}, but got true.`],
  ]

  test.each(wrong)('%s is refused of %j', async (path, body, message) => {
    const { url } = await serve()
    const response = await postJson(url, `/api/v1/models/${path}`, body)
    const [, param = ''] = /^'(\w+)'/.exec(message) ?? []
    expect([response.status, await response.json()]).toEqual([
      400,
      { error: { message, type: 'invalid_request_error', param, code: null } },
    ])
  })
})
