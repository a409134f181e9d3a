import { describe, expect, test } from 'vitest'
import { serveModels } from '../../support/pool/serve-models.js'
import { closeAfterEach, postJson, serve } from '../../support/serve.js'
import { chunksOf } from '../../support/sse.js'
import { linesOf } from '../../support/wire/ollama.js'

// What editors and assistants ask, in the order and with the fields that they send, and what they
// read of the answers, by each one's source or documentation. None of them is run here.

closeAfterEach()

const messages = [
  { role: 'system', content: 'You are an assistant.' },
  { role: 'user', content: 'Hi' },
]
const tool = {
  type: 'function',
  function: {
    name: 'get_weather',
    description: 'The weather',
    parameters: { type: 'object', properties: { city: { type: 'string' } } },
  },
}
const fake = {
  model: { description: 'qwen3 4B Q4_K - Medium', canInfill: true, trainedContext: 40_960 },
}
const text = 'Once upon a time.'

async function get<T>(url: string, path: string, headers: Record<string, string> = {}): Promise<T> {
  const response = await fetch(url + path, { headers })
  expect([path, response.status]).toEqual([path, 200])
  return (await response.json()) as T
}

async function post(url: string, path: string, body: object, headers = {}) {
  const response = await postJson(url, path, body, headers)
  const answer = await response.text()
  expect([path, response.status, answer]).toEqual([path, 200, expect.any(String)])
  return answer
}

/** The first model that Ollama's list has. */
async function firstTag(url: string, headers = {}): Promise<string> {
  const { models } = await get<{ models: { name: string }[] }>(url, '/api/tags', headers)
  return models[0]?.name ?? ''
}

const said = (answer: string) =>
  linesOf(answer)
    .map(({ message }) => message?.content)
    .join('')

describe('in Ollama mode', () => {
  test('Zed finds models and their abilities, and chats with num_ctx and keep_alive', async () => {
    const { url } = await serve(fake)
    const model = await firstTag(url)
    const shown = JSON.parse(await post(url, '/api/show', { model }))
    expect(shown.capabilities).toContain('tools')
    expect(shown.model_info['qwen3.context_length']).toBe(2048)
    const options = { num_ctx: 2048, num_predict: null, stop: [], temperature: 1, top_p: null }
    const body = { model, messages, keep_alive: -1, options, think: null, tools: [tool] }
    expect(said(await post(url, '/api/chat', { ...body, stream: true }))).toBe(text)
  })

  test('Copilot asks for the version and for each model, then chats below /v1', async () => {
    const { url } = await serve(fake)
    const { version } = await get<{ version: string }>(url, '/api/version')
    const [major = 0, minor = 0] = version.split('.').map(Number)
    expect(major > 0 || minor >= 6).toBe(true)
    const model = await firstTag(url)
    const { model_info: info, capabilities } = JSON.parse(await post(url, '/api/show', { model }))
    const architecture = info['general.architecture'] as string
    expect(info[`${architecture}.context_length`]).toBeGreaterThan(0)
    expect(info['general.basename']).toEqual(expect.any(String))
    expect(capabilities).toContain('tools')
    const answer = await post(url, '/v1/chat/completions', { model, messages, stream: true })
    expect(chunksOf(answer).at(0)).toMatchObject({ model })
  })

  test('Home Assistant lists, and chats with tools, think and keep_alive', async () => {
    const { url } = await serve(fake)
    const model = await firstTag(url)
    const body = {
      ...{ model, messages, tools: [tool], stream: true, think: false },
      ...{ keep_alive: '-1s', options: { num_ctx: 8192 } },
    }
    expect(said(await post(url, '/api/chat', body))).toBe(text)
  })

  test('Cline and n8n list and chat, with a key where there is one', async () => {
    const { url } = await serve({ ...fake, server: { apiKeys: ['key'] } })
    const headers = { authorization: 'Bearer key' }
    const model = await firstTag(url, headers)
    const body = { model, messages, stream: true, options: { num_ctx: 2048 } }
    expect(said(await post(url, '/api/chat', body, headers))).toBe(text)
  })

  test('Open WebUI looks round, chats, and has models unloaded', async () => {
    const { url, events } = await serveModels({ tales: {}, news: {} }, fake)
    await get(url, '/api/version')
    const model = await firstTag(url)
    const headers = { 'X-OpenWebUI-User-Name': 'Ada', 'X-OpenWebUI-Chat-Id': '7' }
    const body = { model, messages, stream: true, options: {}, keep_alive: '5m' }
    expect(said(await post(url, '/api/chat', body, headers))).toBe(text)
    const { models } = await get<{ models: { name: string }[] }>(url, '/api/ps')
    expect(models.map(({ name }) => name)).toEqual([model])
    const unload = { model, keep_alive: 0, prompt: '' }
    const lines = linesOf(await post(url, '/api/generate', unload))
    expect(lines.at(-1)).toMatchObject({ done_reason: 'unload' })
    expect(await get(url, '/api/ps')).toEqual({ models: [] })
    expect(events).toContain('loaded tales')
  })

  test('Open WebUI embeds with several texts', async () => {
    const { url } = await serve({ embedding: { size: 4, pooling: 'mean' } })
    const body = { model: await firstTag(url), input: ['a', 'b'], truncate: true }
    expect(JSON.parse(await post(url, '/api/embed', body)).embeddings).toHaveLength(2)
  })

  test('Continue looks for a template with a suffix, and fills gaps', async () => {
    const { url, native } = await serve(fake)
    const { template } = JSON.parse(await post(url, '/api/show', { name: 'fake' }))
    expect(template).toContain('.Suffix')
    const body = { model: 'fake', prompt: 'a = ', suffix: '\n', raw: false, keep_alive: 1800 }
    const options = { stop: ['<|endoftext|>'], num_predict: 64, num_ctx: 2048, temperature: 0.01 }
    const answer = await post(url, '/api/generate', { ...body, options, stream: true })
    expect(linesOf(answer).at(-1)).toMatchObject({ done: true })
    expect(native.submitted[0]?.prompt).toEqual({ before: 'a = ', after: '\n' })
  })
})

describe('in LM Studio mode', () => {
  test('Zed, Cline and AnythingLLM find the model with its context, and chat', async () => {
    const { url } = await serve(fake)
    const { data } = await get<{ data: Record<string, unknown>[] }>(url, '/api/v0/models')
    const model = data.find(({ type, state }) => type === 'llm' && state === 'loaded')
    expect(model).toMatchObject({
      max_context_length: 2048,
      loaded_context_length: 2048,
      capabilities: ['tool_use'],
    })
    const body = { model: model?.id, messages, stream: true, tools: [tool] }
    for (const path of ['/api/v0/chat/completions', '/v1/chat/completions']) {
      const chunks = chunksOf(await post(url, path, body))
      expect(chunks.map(({ choices }) => choices?.[0]?.delta?.content ?? '').join('')).toBe(text)
    }
  })
})

describe('in OpenAI’s and llama.cpp’s modes', () => {
  test('Open WebUI reads states, and has models loaded and unloaded', async () => {
    const { url } = await serveModels({ tales: {}, news: {} }, fake)
    const { data } = await get<{ data: { id: string; status: object }[] }>(url, '/models')
    expect(data.find(({ id }) => id === 'news')?.status).toEqual({ value: 'unloaded' })
    await post(url, '/models/load', { model: 'news' })
    await post(url, '/chat/completions', { model: 'news', messages })
    const now = await get<{ data: { id: string; status: object }[] }>(url, '/models')
    expect(now.data.find(({ id }) => id === 'news')?.status).toEqual({ value: 'loaded' })
    await post(url, '/models/unload', { model: 'news' })
  })

  test('llama.vscode lists models, asks for their properties, and fills gaps', async () => {
    const { url } = await serveModels({ tales: {}, news: {} }, fake)
    const { data } = await get<{ data: { id: string }[] }>(url, '/v1/models')
    expect(data.map(({ id }) => id)).toContain('news')
    const unloaded = await fetch(`${url}/props?model=news&autoload=false`)
    expect([unloaded.status, await unloaded.json()]).toMatchObject([
      400,
      { error: { message: "The model 'news' is not loaded." } },
    ])
    const body = {
      ...{ input_prefix: 'a = ', input_suffix: '\n', input_extra: [], prompt: '' },
      ...{ n_predict: 0, samplers: [], cache_prompt: true, t_max_prompt_ms: 500, model: 'news' },
    }
    await post(url, '/infill', body)
    const props = await get(url, '/props?model=news&autoload=false')
    expect(props).toMatchObject({ default_generation_settings: { n_ctx: 8192 } })
  })
})
