import path from 'node:path'
import OpenAI from 'openai'
import { describe, expect, test } from 'vitest'
import { randomModel } from '../../support/models/random-model.js'
import { scriptModel } from '../../support/models/script-model.js'
import { post } from '../../support/raw-client.js'
import { chat, chatPath, closeAfterEach, story } from '../../support/serve.js'
import { serveReal } from '../../support/serve-real.js'
import { chunksOf, framesOf, textOf, type Usage } from '../../support/sse.js'
import { wireCheck } from '../../support/wire/checks.mjs'

closeAfterEach()

const storyteller = path.resolve(import.meta.dirname, '../../../models/storyteller.gguf')
const said = 'Grüße an 🦊🦊 und 漢字: "naïve"\n— Ende.'

interface Completion {
  choices: [{ message: { content: string }; finish_reason: string }]
  usage: { prompt_tokens: number; completion_tokens: number }
}

const whole = async (url: string, body: object) =>
  (await (await chat(url, story({ stream: false, ...body }))).json()) as Completion

test("the guide's exchange is role chunk, content chunks, finish chunk, [DONE]", async () => {
  const { url } = await serveReal({ model: storyteller }, { aliases: ['gemma-4-26b'] })
  const response = await chat(url, story({ model: 'gemma-4-26b', seed: 1 }), {
    headers: { authorization: 'Bearer YOUR_API_KEY' },
  })
  const text = await response.text()
  const chunks = chunksOf(text)
  expect(chunks[0]?.choices).toEqual([
    { index: 0, delta: { role: 'assistant', content: '' }, finish_reason: null },
  ])
  expect(chunks.slice(1, -1).every(({ choices }) => choices[0]?.delta.content !== '')).toBe(true)
  expect(chunks.at(-1)?.choices).toEqual([{ index: 0, delta: {}, finish_reason: 'stop' }])
  expect(framesOf(text).at(-1)).toBe('data: [DONE]')
  expect(textOf(text).split(' ').length).toBeGreaterThan(30)
})

test("the guide's client and key get a story, by an alias of the model", async () => {
  const { url } = await serveReal(
    { model: storyteller },
    { aliases: ['gemma-4-26b'], apiKeys: ['your-api-key'] },
  )
  const client = new OpenAI({ apiKey: 'your-api-key', baseURL: `${url}/v1` })
  const stream = await client.chat.completions.create({
    model: 'gemma-4-26b',
    messages: [{ role: 'user', content: 'Tell me a story' }],
    stream: true,
  })
  let text = ''
  for await (const chunk of stream) text += chunk.choices[0]?.delta?.content || ''
  expect(text.split(' ').length).toBeGreaterThan(30)
  const wrong = new OpenAI({ apiKey: 'wrong', baseURL: `${url}/v1`, maxRetries: 0 })
  await expect(wrong.models.list()).rejects.toMatchObject({ status: 401 })
})

describe(wireCheck(5), () => {
  test('characters that tokens split arrive whole, however small the pieces', async () => {
    const { url, client } = await serveReal({ model: scriptModel({ reply: said }) })
    const text = await (await chat(url, story())).text()
    expect(textOf(text)).toBe(said)
    for (const chunk of chunksOf(text)) {
      expect(chunk.choices[0]?.delta.content ?? '').not.toContain('\ufffd')
    }
    const raw = await client()
    for (const byte of Buffer.from(post(chatPath, story()))) raw.send(Buffer.of(byte))
    await raw.seen('[DONE]')
    expect(textOf(raw.body)).toBe(said)
  })
})

describe(wireCheck(12, 13), () => {
  test('the counts match the tokenizer, streamed or not', async () => {
    const { url, engine } = await serveReal({ model: scriptModel({ reply: said }) })
    const options = { stream_options: { include_usage: true } }
    const usage = chunksOf(await (await chat(url, story(options))).text()).at(-1)?.usage
    const prompt = '<|im_start|>user\nTell me a story<|im_end|>\n<|im_start|>assistant\n'
    const tokens = await engine.tokenize(prompt, { addSpecial: true, parseSpecial: true })
    expect(usage?.prompt_tokens).toBe(tokens.length)
    const plain = await whole(url, {})
    // All but the last token, which has to be computed again for what comes after it.
    const details = { cached_tokens: tokens.length - 1 }
    expect(plain.usage).toEqual({ ...usage, prompt_tokens_details: details })
    // With one token less than it needs, it does not come to its end.
    const needed = plain.usage.completion_tokens
    expect((await whole(url, { max_tokens: needed })).choices[0].message.content).toBe(said)
    const short = await whole(url, { max_tokens: needed - 1 })
    expect(short.choices[0].finish_reason).toBe('length')
    expect(said.startsWith(short.choices[0].message.content)).toBe(true)
    expect(short.choices[0].message.content).not.toBe(said)
  })
})

test('a prompt asked before is cached, though not for another key or salt', async () => {
  const options = { apiKeys: ['key-1', 'key-2'], isolateKeys: true }
  const { url } = await serveReal({ model: scriptModel({ reply: said }) }, options)
  const cachedFor = async (key: string, cache_salt?: string) => {
    const headers = { authorization: `Bearer ${key}` }
    const response = await chat(url, story({ stream: false, cache_salt }), { headers })
    const { usage } = (await response.json()) as { usage: Usage }
    return usage.prompt_tokens_details.cached_tokens
  }
  expect(await cachedFor('key-1')).toBe(0)
  expect(await cachedFor('key-2')).toBe(0)
  expect(await cachedFor('key-2', 'mine')).toBe(0)
  expect(await cachedFor('key-1')).toBeGreaterThan(0)
  expect(await cachedFor('key-2', 'mine')).toBeGreaterThan(0)
})

describe(wireCheck(17), () => {
  test('a stop string that spans tokens never leaks, not even its beginning', async () => {
    const { url } = await serveReal({ model: scriptModel({ reply: said }) })
    const text = await (await chat(url, story({ stop: ['never', '漢字'] }))).text()
    expect(textOf(text)).toBe('Grüße an 🦊🦊 und ')
    expect(chunksOf(text).at(-1)?.choices[0]?.finish_reason).toBe('stop')
    // What looked like a beginning and was none is told all the same.
    const other = await (await chat(url, story({ stop: '🦊🦊 oder' }))).text()
    expect(textOf(other)).toBe(said)
  })
})

describe(wireCheck(18), () => {
  test('a reply ends with `length` at the exact limit', async () => {
    const { url } = await serveReal({ model: randomModel() })
    for (const limit of [1, 2, 33]) {
      const { choices, usage } = await whole(url, { max_tokens: limit, ignore_eos: true })
      expect(usage.completion_tokens).toBe(limit)
      expect(choices[0].finish_reason).toBe('length')
    }
  })
})

describe(wireCheck(20), () => {
  test('a prompt that cannot fit is a 400 with both numbers', async () => {
    const { url } = await serveReal({ model: randomModel(), context: 256 })
    const content = 'word '.repeat(2000)
    const response = await chat(url, story({ messages: [{ role: 'user', content }] }))
    expect(response.status).toBe(400)
    const { error } = (await response.json()) as { error: { code: string; message: string } }
    expect(error.code).toBe('context_length_exceeded')
    // What came, at least, and what there is room for.
    const numbers = (error.message.match(/\d+/g) ?? []).map(Number)
    expect(numbers).toContain(256)
    expect(Math.max(...numbers)).toBeGreaterThan(256)
  })
})
