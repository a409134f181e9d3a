import path from 'node:path'
import { describe, expect, test } from 'vitest'
import { templateText } from '../../support/agents/session.js'
import { randomModel } from '../../support/models/random-model.js'
import { scriptModel } from '../../support/models/script-model.js'
import { turnModel } from '../../support/models/turn-model.js'
import { post } from '../../support/raw-client.js'
import { closeAfterEach } from '../../support/serve.js'
import { type ServedReal, serveReal } from '../../support/serve-real.js'
import {
  askMessages,
  blocksOf,
  eventsOf,
  messagesPath,
  tale,
  version,
} from '../../support/wire/anthropic/messages.js'
import { wireCheck } from '../../support/wire/checks.mjs'

// Messages on the real engine.

closeAfterEach()

const storyteller = path.resolve(import.meta.dirname, '../../../models/storyteller.gguf')

interface Whole {
  content: { type: string; text?: string }[]
  stop_reason: string
  stop_sequence: string | null
  usage: { input_tokens: number; output_tokens: number; cache_read_input_tokens: number }
}

async function whole(url: string, more: object): Promise<Whole> {
  const response = await askMessages(url, tale({ stream: false, ...more }))
  expect(response.status).toBe(200)
  return (await response.json()) as Whole
}

/** Of a prompt, all its tokens. */
const promptOf = ({ usage }: Whole) => usage.input_tokens + usage.cache_read_input_tokens

async function count(url: string, more: object): Promise<number> {
  const { max_tokens, stream, ...prompt } = tale(more)
  const response = await askMessages(url, prompt, { path: `${messagesPath}/count_tokens` })
  return ((await response.json()) as { input_tokens: number }).input_tokens
}

describe(wireCheck(60), () => {
  test('the tokens are those that count_tokens counts', async () => {
    const { url } = await serveReal({ model: storyteller })
    for (const more of [{}, { system: 'You tell stories.' }]) {
      const reply = await whole(url, more)
      expect(promptOf(reply)).toBe(await count(url, more))
    }
  })
})

test('a reply that is said again has its prompt from the cache', async () => {
  const { url } = await serveReal({ model: storyteller })
  const messages = [{ role: 'user', content: 'a fox and a hen '.repeat(40) }]
  const first = await whole(url, { messages, max_tokens: 5 })
  const again = await whole(url, { messages, max_tokens: 5 })
  expect(first.usage.cache_read_input_tokens).toBe(0)
  expect(again.usage).toMatchObject({
    input_tokens: 1, // the last is computed again, for its logits
    cache_read_input_tokens: promptOf(first) - 1,
    output_tokens: 5,
  })
})

describe(wireCheck(59), () => {
  test('a stop sequence ends the message and is told, and is no part of it', async () => {
    const model = scriptModel({ reply: 'One, two, three and four.' })
    const { url } = await serveReal({ model })
    const stop_sequences = ['nine', ' three']
    const reply = await whole(url, { stop_sequences })
    expect(reply).toMatchObject({
      content: [{ type: 'text', text: 'One, two,' }],
      stop_reason: 'stop_sequence',
      stop_sequence: ' three',
    })
    const events = eventsOf(await (await askMessages(url, tale({ stop_sequences }))).text())
    expect(blocksOf(events)).toEqual(reply.content)
    expect(events.at(-2)?.delta).toMatchObject({
      stop_reason: 'stop_sequence',
      stop_sequence: ' three',
    })
  })
})

test('a reply ends at max_tokens, or where the context is full', async () => {
  const model = scriptModel({ reply: 'On and on it goes. ', repeat: true })
  const { url } = await serveReal({ model, context: 256 })
  expect((await whole(url, { max_tokens: 5 })).stop_reason).toBe('max_tokens')
  const full = await whole(url, { max_tokens: 32_000 })
  expect(full.stop_reason).toBe('model_context_window_exceeded')
})

describe(wireCheck(63), () => {
  test('a prompt that is too long is told with both numbers', async () => {
    const { url } = await serveReal({ model: storyteller, context: 128 })
    const messages = [{ role: 'user', content: 'a fox and a hen '.repeat(30) }]
    const tokens = await count(url, { messages })
    const response = await askMessages(url, tale({ messages }))
    expect(response.status).toBe(400)
    expect(await response.json()).toMatchObject({
      error: { message: `prompt is too long: ${tokens} tokens > 128 maximum` },
    })
  })
})

describe(wireCheck(62), () => {
  const model = () => randomModel({ layers: 1, embedding: 32, context: 16_384 })
  const billing = (cch: string) => `x-anthropic-billing-header: cc_version=2.1.332; cch=${cch};`
  const instructions = 'You are an agent. '.repeat(40)
  const systemOf = (cch: string) => [
    { type: 'text', text: billing(cch) },
    { type: 'text', text: instructions, cache_control: { type: 'ephemeral' } },
  ]
  const user = (text: string) => ({ role: 'user', content: [{ type: 'text', text }] })
  const assistant = { role: 'assistant', content: [{ type: 'text', text: 'Sure.' }] }
  const late = (text: string) => ({ role: 'system', content: text })

  async function turns(...both: [first: object, second: object]) {
    const { url } = await serveReal({ model: model(), parallel: 1 })
    const [first, second] = both
    const before = promptOf(await whole(url, { max_tokens: 1, ...first }))
    const { usage } = await whole(url, { max_tokens: 1, ...second })
    return { before, ...usage }
  }

  test('a turn computes only what is new, though its header for billing changes', async () => {
    const first = { system: systemOf('0f3a1'), messages: [user('Go.')] }
    const messages = [user('Go.'), assistant, user('On.')]
    const second = { system: systemOf('9b7c2'), messages }
    const { before, cache_read_input_tokens: cached } = await turns(first, second)
    expect(before).toBeGreaterThan(500)
    expect(cached).toBeGreaterThan(before - 40) // all but what opens the assistant's turn
  })

  test('a turn computes only what is new, though the system speaks behind others', async () => {
    const system = instructions
    const begun = [user('Go.'), late('Tokens left: 9000.')]
    const first = { system, messages: begun }
    const messages = [...begun, assistant, user('On.'), late('Tokens left: 8000.')]
    const { before, cache_read_input_tokens: cached } = await turns(first, { system, messages })
    expect(cached).toBeGreaterThan(before - 40)
  })
})

describe('thinking and calls', () => {
  const thoughts = '<think>\nI look it up.\n</think>\n\n'
  const call = '{"name": "get_weather", "arguments": {"city": "Oslo (NO)"}}'
  const turns = [
    { mark: 'Oslo (NO)', reply: `${thoughts}<tool_call>\n${call}\n</tool_call>` },
    { mark: 'sunny', reply: 'It will be fine in the whole of Norway.' },
  ]
  const tools = [
    {
      name: 'get_weather',
      input_schema: { type: 'object', properties: { city: { type: 'string' } } },
    },
  ]
  const served = () => {
    const chatTemplate = templateText('Qwen-Qwen3-0.6B.jinja')
    return serveReal({ model: turnModel({ turns }), chatTemplate, context: 8192 })
  }

  test.each(['summarized', 'omitted'])(
    'come as blocks, and go back as they came: display %s',
    async (display) => {
      const { url } = await served()
      const asked = { max_tokens: 400, tools, thinking: { type: 'adaptive', display } }
      const text = await (await askMessages(url, tale(asked))).text()
      const content = blocksOf(eventsOf(text)).map(({ partial_json: json, ...block }) => {
        return json === undefined ? block : { ...block, input: JSON.parse(json as string) }
      })
      const shown = display === 'omitted' ? '' : 'I look it up.\n'
      expect(content).toMatchObject([
        { type: 'thinking', thinking: shown },
        { type: 'tool_use', name: 'get_weather', input: { city: 'Oslo (NO)' } },
      ])
      const first = await whole(url, asked)
      expect(first).toMatchObject({ stop_reason: 'tool_use', content: [{ thinking: shown }, {}] })
      const id = (content[1] as { id?: string }).id
      const result = { type: 'tool_result', tool_use_id: id, content: 'sunny' }
      const messages = [
        { role: 'user', content: 'Tell me a story' },
        { role: 'assistant', content },
        { role: 'user', content: [result] },
      ]
      const last = await whole(url, { ...asked, messages })
      const said = { type: 'text', text: 'It will be fine in the whole of Norway.' }
      expect(last).toMatchObject({ content: [said], stop_reason: 'end_turn' })
      // The thoughts are in the prompt again, shown or not.
      const [thought, ...others] = content
      const without = [messages[0], { role: 'assistant', content: others }, messages[2]]
      const told = [{ ...thought, thinking: 'I look it up.\n' }, ...others]
      const shownAgain = [messages[0], { role: 'assistant', content: told }, messages[2]]
      const tokens = await count(url, { tools, messages })
      expect(tokens).toBe(await count(url, { tools, messages: shownAgain }))
      expect(tokens).toBeGreaterThan(await count(url, { tools, messages: without }))
      expect(tokens).toBe(promptOf(last))
    },
  )

  test('of a named tool are forced', async () => {
    const model = randomModel({ layers: 1, embedding: 32, context: 4096 })
    const chatTemplate = templateText('Qwen-Qwen2.5-7B-Instruct.jinja')
    const { url } = await serveReal({ model, chatTemplate })
    const input_schema = {
      type: 'object',
      properties: { sure: { type: 'boolean' } },
      required: ['sure'],
      additionalProperties: false,
    }
    const both = ['get_time', 'get_weather'].map((name) => ({ name, input_schema }))
    const tool_choice = { type: 'tool', name: 'get_time', disable_parallel_tool_use: true }
    const reply = await whole(url, { tools: both, tool_choice, max_tokens: 200 })
    expect(reply).toMatchObject({
      stop_reason: 'tool_use',
      content: [{ type: 'tool_use', name: 'get_time', input: { sure: expect.any(Boolean) } }],
    })
    expect(reply.content).toHaveLength(1)
  })
})

test('a format is kept to', async () => {
  const model = randomModel({ layers: 1, embedding: 32, context: 4096 })
  const { url } = await serveReal({ model })
  const schema = {
    type: 'object',
    properties: { colour: { enum: ['red', 'green'] }, sure: { type: 'boolean' } },
    required: ['colour', 'sure'],
    additionalProperties: false,
  }
  const output_config = { format: { type: 'json_schema', schema } }
  const { content } = await whole(url, { output_config, max_tokens: 200 })
  expect(JSON.parse(content[0]?.text ?? '')).toEqual({
    colour: expect.stringMatching(/^(red|green)$/),
    sure: expect.any(Boolean),
  })
})

describe('a client that hangs up', () => {
  const endless = () => scriptModel({ reply: 'On and on it goes. ', repeat: true })

  const left = async ({ engine, quiet }: ServedReal) => {
    await quiet()
    return engine.stats()
  }

  test.each([true, false])('ends the generation, stream: %j', async (stream) => {
    const served = await serveReal({ model: endless(), context: 16_384 })
    const one = await served.client()
    one.send(post(messagesPath, tale({ stream, max_tokens: 16_000 }), version))
    if (stream) await one.seen('text_delta')
    else await expect.poll(() => served.engine.stats().tokensGenerated).toBeGreaterThan(2)
    one.reset()
    expect(await left(served)).toMatchObject({ cancelled: 1, finished: 0 })
    await expect.poll(() => served.log).toMatchObject([{ outcome: 'gone', route: messagesPath }])
  })
})
