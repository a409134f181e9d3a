import path from 'node:path'
import OpenAI, { APIUserAbortError } from 'openai'
import { expect, test } from 'vitest'
import { scriptModel } from '../../support/models/script-model.js'
import { closeAfterEach } from '../../support/serve.js'
import { serveReal } from '../../support/serve-real.js'

// The official client, unchanged, on the real engine. (test/http/endpoints/sdk.test.ts has what it
// makes of replies that are scripted.)

closeAfterEach()

const storyteller = path.resolve(import.meta.dirname, '../../../models/storyteller.gguf')
const messages = [{ role: 'user' as const, content: 'Tell me a story about a fox' }]

async function served(model = storyteller) {
  const { url, engine, quiet } = await serveReal({ model }, { apiKeys: ['key'] })
  return {
    client: new OpenAI({ apiKey: 'key', baseURL: `${url}/v1`, maxRetries: 0 }),
    engine,
    quiet,
  }
}

test('create, its stream and the stream helper give the same story at one seed', async () => {
  const { client } = await served()
  const body = { model: 'default', messages, seed: 7 }
  const whole = await client.chat.completions.create(body)
  const text = whole.choices[0]?.message.content ?? ''
  expect(text.split(' ').length).toBeGreaterThan(30)

  let streamed = ''
  for await (const chunk of await client.chat.completions.create({ ...body, stream: true })) {
    streamed += chunk.choices[0]?.delta.content ?? ''
  }
  expect(streamed).toBe(text)

  const heard: string[] = []
  const helper = client.chat.completions.stream({
    ...body,
    stream_options: { include_usage: true },
  })
  helper.on('content', (delta) => heard.push(delta))
  const final = await helper.finalChatCompletion()
  expect(heard.join('')).toBe(text)
  expect(final.choices[0]?.message.content).toBe(text)
  const { completion_tokens, prompt_tokens } = await helper.totalUsage()
  expect({ completion_tokens, prompt_tokens }).toMatchObject({
    completion_tokens: whole.usage?.completion_tokens,
    prompt_tokens: whole.usage?.prompt_tokens,
  })
})

test('the stream helper keeps three choices and their logprobs apart', async () => {
  const { client } = await served()
  const body = { model: 'default', messages, seed: 7, max_tokens: 12 }
  const more = { n: 3, logprobs: true, top_logprobs: 2 }
  const heard: number[] = []
  const helper = client.chat.completions.stream({ ...body, ...more })
  helper.on('logprobs.content.delta', ({ content }) => heard.push(content.length))
  const { choices } = await helper.finalChatCompletion()
  const whole = await client.chat.completions.create({ ...body, ...more })
  expect(choices.map(({ index }) => index)).toEqual([0, 1, 2])
  expect(new Set(choices.map(({ message }) => message.content)).size).toBe(3)
  for (const [i, { message, logprobs }] of choices.entries()) {
    const bytes = (logprobs?.content ?? []).flatMap((token) => token.bytes ?? [])
    expect(Buffer.from(bytes).toString()).toBe(message.content)
    expect(logprobs?.content?.every(({ top_logprobs: top }) => top.length === 2)).toBe(true)
    expect(whole.choices[i]?.message.content).toBe(message.content)
  }
  expect(heard.reduce((a, b) => a + b, 0)).toBe(36)
})

test('aborting the stream helper ends the generation', async () => {
  const endless = scriptModel({ reply: 'On and on it goes. ', repeat: true })
  const { client, engine, quiet } = await served(endless)
  const stream = client.chat.completions.stream({ model: 'default', messages })
  stream.once('content', () => stream.abort())
  await expect(stream.done()).rejects.toBeInstanceOf(APIUserAbortError)
  await quiet()
  expect(engine.stats()).toMatchObject({ cancelled: 1, finished: 0 })
})

test('legacy completions: several prompts at once, streamed, with their logprobs', async () => {
  const { client } = await served()
  const body = { model: 'default', prompt: ['Once upon a time', 'The end'], seed: 7, logprobs: 1 }
  const whole = await client.completions.create(body)
  expect(whole.choices.map(({ index }) => index)).toEqual([0, 1])
  for (const { text, logprobs } of whole.choices) {
    expect(logprobs?.tokens?.join('')).toBe(text)
    expect(logprobs?.token_logprobs?.every((one) => one <= 0)).toBe(true)
  }
  const streamed = ['', '']
  for await (const { choices } of await client.completions.create({ ...body, stream: true })) {
    for (const { index, text } of choices) streamed[index] += text
  }
  expect(streamed).toEqual(whole.choices.map(({ text }) => text))
  const echoed = await client.completions.create({
    model: 'default',
    prompt: 'The end',
    echo: true,
  })
  expect(echoed.choices[0]?.text.startsWith('The end')).toBe(true)
})

test('the models are listed, and one retrieved', async () => {
  const { client } = await served()
  const ids: string[] = []
  for await (const { id } of client.models.list()) ids.push(id)
  expect(ids).toEqual(['storyteller', 'default'])
  expect((await client.models.retrieve('storyteller')).id).toBe('storyteller')
})
