import OpenAI, { APIError, APIUserAbortError, BadRequestError, RateLimitError } from 'openai'
import type { ChatCompletionChunk } from 'openai/resources'
import { describe, expect, test } from 'vitest'
import { eventually } from '../../support/eventually.js'
import { closeAfterEach, counting, serve, stepUntil } from '../../support/serve.js'
import { wireCheck } from '../../support/wire/checks.mjs'

// The official client, over the fake: what it makes of what is sent.

closeAfterEach()

const messages = [{ role: 'user' as const, content: 'Tell me a story' }]
const endless = () => ({ tokens: counting() })

function clientOf(url: string, options: ConstructorParameters<typeof OpenAI>[0] = {}): OpenAI {
  return new OpenAI({ apiKey: 'any', baseURL: `${url}/v1`, maxRetries: 0, ...options })
}

test('the client reads a stream to its end, and a reply that is not streamed', async () => {
  const { url } = await serve({ server: { apiKeys: ['your-api-key'], aliases: ['gemma-4-26b'] } })
  const client = clientOf(url, { apiKey: 'your-api-key' })
  const stream = await client.chat.completions.create({
    model: 'gemma-4-26b',
    messages,
    stream: true,
  })
  let text = ''
  for await (const chunk of stream) text += chunk.choices[0]?.delta?.content || ''
  expect(text).toBe('Once upon a time.')
  const whole = await client.chat.completions.create({ model: 'gemma-4-26b', messages })
  expect(whole.choices[0]?.message.content).toBe(text)
  expect(whole._request_id).toMatch(/^req_/)
})

describe(wireCheck(6), () => {
  test('the client that is fed byte by byte reads the same as from whole writes', async () => {
    const tokens = ['Grüße', ' an 🦊', '\n\ndata: ', '\r\n', ' 漢字']
    const { url } = await serve({ script: () => ({ tokens }) })
    const inBytes = new TransformStream<Uint8Array, Uint8Array>({
      transform(chunk, controller) {
        for (const byte of chunk) controller.enqueue(Uint8Array.of(byte))
      },
    })
    const fed: typeof fetch = async (input, init) => {
      const response = await fetch(input, init)
      return new Response(response.body?.pipeThrough(inBytes) ?? null, response)
    }
    const stream = await clientOf(url, { fetch: fed }).chat.completions.create({
      model: 'default',
      messages,
      stream: true,
      stream_options: { include_usage: true },
    })
    const chunks: ChatCompletionChunk[] = []
    for await (const chunk of stream) chunks.push(chunk)
    const text = chunks.map(({ choices }) => choices[0]?.delta.content ?? '').join('')
    expect(text).toBe(tokens.join(''))
    expect(chunks.at(-2)?.choices[0]?.finish_reason).toBe('stop')
    expect(chunks.at(-1)?.usage?.completion_tokens).toBe(tokens.length)
  })
})

test("the client's stream helper adds up what it was sent", async () => {
  const { url } = await serve()
  const stream = clientOf(url).chat.completions.stream({
    model: 'default',
    messages: [{ role: 'user', content: [{ type: 'text', text: 'Tell me a story' }] }],
    stream_options: { include_usage: true },
  })
  const whole = await stream.finalChatCompletion()
  expect(whole.choices[0]?.message.content).toBe('Once upon a time.')
  expect(whole.choices[0]?.finish_reason).toBe('stop')
  expect((await stream.totalUsage()).total_tokens).toBe(8)
})

describe(wireCheck(24), () => {
  test('the client throws an error frame as an APIError with its type and code', async () => {
    const end = { code: 'ERR_ENGINE_FAILED' as const, message: 'llama.cpp failed' }
    const { url } = await serve({ script: () => ({ tokens: ['Once'], end }) })
    const stream = await clientOf(url).chat.completions.create({
      model: 'default',
      messages,
      stream: true,
    })
    let text = ''
    const error = await (async () => {
      for await (const chunk of stream) text += chunk.choices[0]?.delta.content ?? ''
    })().catch((thrown: unknown) => thrown)
    expect(text).toBe('Once')
    expect(error).toBeInstanceOf(APIError)
    expect(error).toMatchObject({ type: 'server_error', code: 'engine_failed', param: null })
  })
})

describe(wireCheck(21), () => {
  test('the client makes a BadRequestError of a 400, with its param', async () => {
    const { url } = await serve()
    const error = await clientOf(url)
      .chat.completions.create({ model: 'default', messages, n: 5 })
      .catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(BadRequestError)
    expect(error).toMatchObject({ status: 400, param: 'n', type: 'invalid_request_error' })
  })
})

describe(wireCheck(39), () => {
  test('the client waits as long as Retry-After says, then is served', async () => {
    const engine = { parallel: 1, queue: 0 }
    const { url, native, log } = await serve({ pace: 'manual', engine })
    const client = clientOf(url)
    const first = client.chat.completions.create({ model: 'default', messages })
    await eventually(() => native.submitted.length === 1)
    const refused = await client.chat.completions
      .create({ model: 'default', messages })
      .catch((thrown: unknown) => thrown)
    expect(refused).toBeInstanceOf(RateLimitError)
    const startedAt = performance.now()
    let attempts = 0
    const retried = clientOf(url, {
      maxRetries: 1,
      fetch: (input, init) => {
        attempts++
        return fetch(input, init)
      },
    }).chat.completions.create({ model: 'default', messages })
    retried.catch(() => undefined)
    await eventually(() => log.length === 2) // refused as well
    await stepUntil(native, () => native.stats().finished === 1)
    await first
    await stepUntil(native, () => native.stats().finished === 2)
    expect((await retried).choices[0]?.message.content).toBe('Once upon a time.')
    expect(attempts).toBe(2)
    expect(performance.now() - startedAt).toBeGreaterThan(900)
  })
})

describe(wireCheck(26), () => {
  test('the client aborts, or breaks out of its loop, and the slot is free', async () => {
    const { url, native } = await serve({ pace: 'manual', script: endless })
    const client = clientOf(url)
    const create = () =>
      client.chat.completions.create({ model: 'default', messages, stream: true })
    const pending = create()
    await stepUntil(native, () => native.stats().tokensGenerated >= 3)
    const stream = await pending
    for await (const chunk of stream) if (chunk.choices[0]?.delta.content) break
    await eventually(() => native.cancelled.length === 1)
    const leaving = new AbortController()
    const aborted = client.chat.completions.create(
      { model: 'default', messages },
      { signal: leaving.signal },
    )
    aborted.catch(() => undefined)
    await eventually(() => native.submitted.length === 2)
    leaving.abort()
    await expect(aborted).rejects.toBeInstanceOf(APIUserAbortError)
    await eventually(() => native.cancelled.length === 2)
    native.step()
    expect(native.stats()).toMatchObject({ running: 0, queued: 0, cancelled: 2 })
  })
})

describe(wireCheck(42), () => {
  test('the client makes six requests, streams too, on the connections it has', async () => {
    const { url, server } = await serve()
    const client = clientOf(url)
    // Node's fetch opens a second connection for its second request, whoever serves; not a third.
    for (let i = 0; i < 2; i++) await client.models.list()
    let connections = 0
    server.server.on('connection', () => connections++)
    for (let i = 0; i < 6; i++) {
      if (i % 2 === 0) {
        await client.chat.completions.create({ model: 'default', messages })
        continue
      }
      const stream = await client.chat.completions.create({
        model: 'default',
        messages,
        stream: true,
      })
      for await (const chunk of stream) expect(chunk.object).toBe('chat.completion.chunk')
    }
    expect(connections).toBe(0)
  })
})

test('the client lists the models and retrieves one', async () => {
  const { url } = await serve({ server: { aliases: ['org/model'] } })
  const client = clientOf(url)
  const ids: string[] = []
  for await (const model of client.models.list()) ids.push(model.id)
  expect(ids).toEqual(['fake', 'org/model', 'default'])
  expect((await client.models.retrieve('org/model')).owned_by).toBe('sluice')
})
