import path from 'node:path'
import { Ollama } from 'ollama'
import { describe, expect, test } from 'vitest'
import { clientModel } from '../../support/client-server.js'
import { eventually } from '../../support/eventually.js'
import { encoderModel } from '../../support/models/encoder-model.js'
import { scriptModel } from '../../support/models/script-model.js'
import { closeAfterEach } from '../../support/serve.js'
import { serveReal } from '../../support/serve-real.js'

// Ollama's own client, as it is, on the real engine.

closeAfterEach()

const storyteller = path.resolve(import.meta.dirname, '../../../models/storyteller.gguf')
const model = 'storyteller'
const messages = [{ role: 'user', content: 'Tell me a story about a fox.' }]
const options = { temperature: 0, num_predict: 24 }

async function serveStories(server = {}) {
  const served = await serveReal({ model: storyteller }, server)
  return { ...served, client: new Ollama({ host: served.url }) }
}

describe('a chat through the ollama client', () => {
  test('has the same text streamed and whole, and the counts of its tokens', async () => {
    const { client } = await serveStories()
    const whole = await client.chat({ model, messages, options })
    let text = ''
    let last: unknown
    for await (const part of await client.chat({ model, messages, options, stream: true })) {
      text += part.message.content
      last = part
    }
    expect(text).toBe(whole.message.content)
    expect(text.length).toBeGreaterThan(20)
    for (const end of [whole, last]) {
      expect(end).toMatchObject({
        model,
        done: true,
        done_reason: 'length',
        eval_count: 24,
        prompt_eval_count: whole.prompt_eval_count,
      })
    }
    expect(whole.total_duration).toBeGreaterThan(whole.eval_duration)
    expect(whole.eval_duration).toBeGreaterThan(0)
  })

  test('that is aborted ends in the engine', async () => {
    const endless = scriptModel({ reply: 'On and on it goes. ', repeat: true })
    const { url, engine, quiet, log } = await serveReal({ model: endless })
    const client = new Ollama({ host: url })
    const stream = await client.chat({
      model: 'default',
      messages,
      stream: true,
      options: { num_predict: -1 },
    })
    const seen = async () => {
      let parts = 0
      for await (const _ of stream) if (++parts === 3) stream.abort()
    }
    await expect(seen()).rejects.toThrow(/abort/i)
    await quiet()
    await eventually(() => log.length === 1)
    expect(log[0]).toMatchObject({ outcome: 'gone' })
    expect(engine.stats()).toMatchObject({ started: 1, cancelled: 1, finished: 0 })
  })

  test('of a model that is not there is an error with its status', async () => {
    const { client } = await serveStories()
    await expect(client.chat({ model: 'llama3.2', messages })).rejects.toMatchObject({
      name: 'ResponseError',
      status_code: 404,
      message: expect.stringContaining("no model 'llama3.2' here"),
    })
  })
})

test('a text through the ollama client is gone on with, streamed and whole', async () => {
  const { client } = await serveStories()
  const request = { model, prompt: 'Once upon a time', raw: true, options }
  const whole = await client.generate(request)
  let text = ''
  for await (const part of await client.generate({ ...request, stream: true })) {
    text += part.response ?? ''
  }
  expect(text).toBe(whole.response)
  expect(whole).toMatchObject({ done: true, done_reason: 'length', eval_count: 24 })
})

test('the ollama client lists and shows models, those in memory, and the version', async () => {
  const { client } = await serveStories()
  const { models } = await client.list()
  expect(models).toMatchObject([
    { name: 'storyteller:latest', details: { format: 'gguf', family: 'llama' } },
  ])
  const shown = await client.show({ model: 'storyteller:latest' })
  expect(shown.capabilities).toContain('completion')
  const info = shown.model_info as unknown as Record<string, unknown>
  expect(info['llama.context_length']).toEqual(expect.any(Number))
  const running = await client.ps()
  expect(running.models).toMatchObject([{ name: 'storyteller:latest', size_vram: 0 }])
  expect(running.models[0]?.size).toBeGreaterThan(models[0]?.size ?? 0)
  expect(await client.version()).toEqual({ version: expect.stringMatching(/^\d+\.\d+\.\d+$/) })
})

test('the ollama client embeds, by both endpoints', async () => {
  const { url } = await serveReal({ model: encoderModel() })
  const client = new Ollama({ host: url })
  const { embeddings } = await client.embed({ model: 'default', input: ['a fox', 'a hen'] })
  expect(embeddings).toHaveLength(2)
  const { embedding } = await client.embeddings({ model: 'default', prompt: 'a fox' })
  for (const [i, value] of embedding.entries()) expect(embeddings[0]?.[i]).toBeCloseTo(value, 3)
})

test('the ollama client copies and deletes names, and pulls, where it may', async () => {
  const { client } = await serveStories({ allowPull: true })
  expect(await client.copy({ source: model, destination: 'tales' })).toEqual({ status: 'success' })
  expect((await client.list()).models.map(({ name }) => name)).toContain('tales:latest')
  expect(await client.delete({ model: 'tales' })).toEqual({ status: 'success' })
  expect((await client.list()).models).toHaveLength(1)
  expect(await client.pull({ model })).toEqual({ status: 'success' })
  const others = await serveStories()
  const pull = others.client.pull({ model: 'hf.co/a/b:Q4_0' })
  await expect(pull).rejects.toMatchObject({ status_code: 403 })
})

const weather = {
  type: 'function',
  function: {
    name: 'get_weather',
    description: 'The weather of a city',
    parameters: {
      type: 'object',
      required: ['city'],
      properties: { city: { type: 'string' } },
    },
  },
}
const answer = {
  type: 'object',
  properties: {
    city: { type: 'string' },
    isSunny: { type: 'boolean' },
    note: { type: 'string' },
  },
  required: ['city', 'isSunny', 'note'],
}

test('the ollama client has thoughts, calls of tools, and a form in one conversation', async () => {
  const { url } = await serveReal({ model: clientModel(), context: 32_768, parallel: 2 })
  const client = new Ollama({ host: url })
  const asked = [{ role: 'user', content: 'How is the weather here?' }]
  const first = await client.chat({
    model: 'default',
    messages: asked,
    tools: [weather],
    think: true,
  })
  expect(first.message.thinking).toContain('Shall I HALT?')
  const calls = first.message.tool_calls ?? []
  expect(calls).toMatchObject([
    { function: { name: 'get_weather', arguments: { city: 'Oslo (NO)' } } },
  ])
  const told = JSON.stringify({ isSunny: true })
  const conversation = [
    ...asked,
    first.message,
    { role: 'tool', tool_name: 'get_weather', content: told },
  ]
  const request = { model: 'default', messages: conversation, tools: [weather], format: answer }
  let text = ''
  let thinking = ''
  for await (const { message } of await client.chat({ ...request, stream: true, think: true })) {
    text += message.content
    thinking += message.thinking ?? ''
  }
  expect(JSON.parse(text)).toEqual({ city: 'Oslo (NO)', isSunny: true, note: 'do not HALT' })
  expect(thinking).toContain('Shall I HALT?')
})
