import Anthropic, {
  APIError,
  APIUserAbortError,
  AuthenticationError,
  BadRequestError,
  NotFoundError,
  OverloadedError,
  RateLimitError,
} from '@anthropic-ai/sdk'
import { betaZodTool } from '@anthropic-ai/sdk/helpers/beta/zod'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import type { NativeRequest } from '../../../src/binding/engine-port.js'
import { eventually } from '../../support/eventually.js'
import type { Script } from '../../support/fake-engine.js'
import { closeAfterEach, counting, serve, stepUntil } from '../../support/serve.js'

// Anthropic's own client, over the fake: what it makes of what is sent.

closeAfterEach()

const messages = [{ role: 'user' as const, content: 'Tell me a story' }]
const body = { model: 'default', max_tokens: 100, messages }

function clientOf(url: string, options: object = {}): Anthropic {
  return new Anthropic({ apiKey: 'any', baseURL: url, maxRetries: 0, ...options })
}

test('the client reads a message, and a stream of it', async () => {
  const server = { apiKeys: ['your-api-key'], aliases: ['claude-local'] }
  const { url } = await serve({ server, script: () => ({ tokens: ['Once', ' upon'] }) })
  const client = clientOf(url, { apiKey: 'your-api-key' })
  const whole = await client.messages.create({ ...body, model: 'claude-local' })
  expect(whole).toMatchObject({
    model: 'claude-local',
    content: [{ type: 'text', text: 'Once upon' }],
    stop_reason: 'end_turn',
    usage: { input_tokens: 4, output_tokens: 2, cache_read_input_tokens: 0 },
  })
  expect(whole._request_id).toMatch(/^req_/)
  let text = ''
  for await (const event of await client.messages.create({ ...body, stream: true })) {
    if (event.type === 'content_block_delta' && event.delta.type === 'text_delta') {
      text += event.delta.text
    }
  }
  expect(text).toBe('Once upon')
})

test("the client's key may be a token", async () => {
  const { url } = await serve({ server: { apiKeys: ['a-token'] } })
  const client = clientOf(url, { apiKey: null, authToken: 'a-token' })
  expect((await client.messages.create(body)).role).toBe('assistant')
})

/** Thinks, speaks, calls twice; then answers with what the tools said. */
function script({ prompt }: NativeRequest): Script {
  if (typeof prompt !== 'object' || !('messages' in prompt)) return { tokens: ['no chat'] }
  const told = prompt.messages.filter(({ role }) => role === 'tool')
  if (told.length > 0) return { tokens: ['It is ', told.map(({ content }) => content).join(', ')] }
  const call = (index: number, more: object) => ({ toolCalls: [{ index, arguments: '', ...more }] })
  return {
    tokens: [
      ...[{ reasoning: 'I must' }, { reasoning: ' look.' }],
      { text: 'Let me see.' },
      call(0, { id: 'call_1', name: 'get_weather' }),
      ...['{"ci', 'ty": "Par', 'is"}'].map((piece) => call(0, { arguments: piece })),
      call(1, { id: 'call_2', name: 'get_weather', arguments: '{"city": "Oslo"}' }),
    ],
    end: 'tool_calls',
  }
}

const tools = [
  {
    name: 'get_weather',
    description: 'Tells the weather',
    input_schema: z.toJSONSchema(z.object({ city: z.string() })) as { type: 'object' },
  },
]

test("the client's stream helper puts thinking, text and calls together", async () => {
  const { url } = await serve({ script })
  const helper = clientOf(url).messages.stream({ ...body, tools })
  const heard: string[] = []
  helper.on('thinking', (delta) => heard.push(`thinking ${delta}`))
  helper.on('text', (delta) => heard.push(`text ${delta}`))
  helper.on('inputJson', (delta) => heard.push(`input ${delta}`))
  helper.on('contentBlock', ({ type }) => heard.push(`end of ${type}`))
  const final = await helper.finalMessage()
  expect(heard.filter((one) => one.startsWith('end'))).toEqual([
    ...['end of thinking', 'end of text', 'end of tool_use', 'end of tool_use'],
  ])
  expect(heard.filter((one) => one.startsWith('input')).length).toBeGreaterThan(1)
  const whole = await clientOf(url).messages.create({ ...body, tools })
  expect(final.content).toEqual(whole.content)
  expect(final.content).toMatchObject([
    { type: 'thinking', thinking: 'I must look.', signature: expect.stringMatching(/./) },
    { type: 'text', text: 'Let me see.' },
    { type: 'tool_use', id: 'call_1', input: { city: 'Paris' } },
    { type: 'tool_use', id: 'call_2', input: { city: 'Oslo' } },
  ])
  expect(final.stop_reason).toBe('tool_use')
  expect(final.usage).toEqual(whole.usage)
})

test.each([true, false])(
  "the client's tool runner comes to an answer, stream: %j",
  async (stream) => {
    const { url, native } = await serve({ script })
    const asked: string[] = []
    const weather = betaZodTool({
      name: 'get_weather',
      description: 'Tells the weather',
      inputSchema: z.object({ city: z.string() }),
      run: ({ city }) => {
        asked.push(city)
        return `sunny in ${city}`
      },
    })
    const runner = clientOf(url).beta.messages.toolRunner({ ...body, tools: [weather], stream })
    expect((await runner.runUntilDone()).content).toMatchObject([
      { type: 'text', text: 'It is sunny in Paris, sunny in Oslo' },
    ])
    expect(asked).toEqual(['Paris', 'Oslo'])
    const [, second] = native.submitted
    expect(second?.prompt).toMatchObject({
      messages: [
        { role: 'user' },
        { role: 'assistant', reasoning: 'I must look.', content: 'Let me see.' },
        { role: 'tool', toolCallId: 'call_1' },
        { role: 'tool', toolCallId: 'call_2' },
      ],
    })
  },
)

test('the client counts tokens, lists the models and retrieves one', async () => {
  const { url } = await serve({ server: { aliases: ['org/model'] } })
  const client = clientOf(url)
  const { input_tokens } = await client.messages.countTokens({ model: 'default', messages })
  expect(input_tokens).toBeGreaterThan(0)
  const ids: string[] = []
  for await (const { id, max_input_tokens } of client.models.list()) {
    ids.push(id)
    expect(max_input_tokens).toBe(2048)
  }
  expect(ids).toEqual(['fake', 'org/model', 'default'])
  expect((await client.models.retrieve('org/model')).type).toBe('model')
  expect((await client.beta.models.retrieve('org/model')).type).toBe('model')
})

describe('the client', () => {
  const create = (url: string, more: object = {}, options: object = {}) => {
    return clientOf(url, options)
      .messages.create({ ...body, ...more })
      .catch((thrown: unknown) => thrown)
  }

  test('makes an error of its own of each status', async () => {
    const { url } = await serve({ server: { apiKeys: ['any'] } })
    const wrong = await create(url, { max_tokens: -1 })
    expect(wrong).toBeInstanceOf(BadRequestError)
    expect(wrong).toMatchObject({ type: 'invalid_request_error', requestID: /^req_/ })
    expect(await create(url, { model: 'x' })).toBeInstanceOf(NotFoundError)
    expect(await create(url, {}, { apiKey: 'other' })).toBeInstanceOf(AuthenticationError)
  })

  test('knows a full queue, and a server that goes down', async () => {
    const engine = { parallel: 1, queue: 0 }
    const { url, native, server } = await serve({ pace: 'manual', engine })
    const first = create(url)
    await eventually(() => native.submitted.length === 1)
    expect(await create(url)).toBeInstanceOf(RateLimitError)
    const drained = server.drain()
    expect(await create(url)).toBeInstanceOf(OverloadedError)
    await stepUntil(native, () => native.stats().finished === 1)
    await Promise.all([first, drained])
  })

  test('throws an error of a stream with its type', async () => {
    const end = { code: 'ERR_ENGINE_FAILED' as const, message: 'llama.cpp failed' }
    const { url } = await serve({ script: () => ({ tokens: ['Once'], end }) })
    const error = await clientOf(url)
      .messages.stream(body)
      .finalMessage()
      .catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(APIError)
    expect(error).toMatchObject({ type: 'api_error', apiMessage: 'llama.cpp failed' })
  })

  test('aborts, or leaves its loop, and the slot is free', async () => {
    const script = () => ({ tokens: counting() })
    const { url, native } = await serve({ pace: 'manual', script })
    const helper = clientOf(url).messages.stream({ ...body, max_tokens: 10_000 })
    const failed = helper.done().catch((thrown: unknown) => thrown)
    await stepUntil(native, () => native.stats().tokensGenerated >= 3)
    helper.abort()
    expect(await failed).toBeInstanceOf(APIUserAbortError)
    await eventually(() => native.cancelled.length === 1)
    const asked = clientOf(url).messages.create({ ...body, max_tokens: 10_000, stream: true })
    await stepUntil(native, () => native.stats().tokensGenerated >= 6)
    for await (const event of await asked) if (event.type === 'content_block_delta') break
    await eventually(() => native.cancelled.length === 2)
    native.step()
    expect(native.stats()).toMatchObject({ running: 0, queued: 0, cancelled: 2 })
  })
})
