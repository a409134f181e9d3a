import { InMemoryCache } from '@langchain/core/caches'
import { AIMessage, type AIMessageChunk } from '@langchain/core/messages'
import { afterEach, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { useBinding } from '../../src/binding/binding.js'
import type { NativeChat } from '../../src/binding/engine-port.js'
import { type Engine, type LoadOptions, load } from '../../src/index.js'
import { ChatSluice, SluiceEmbeddings } from '../../src/langchain/index.js'
import { FakeAddon, type FakeOptions } from '../support/fake-binding.js'

// What LangChain is told of a reply, and the engine of a call.

const closes: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of closes.splice(0)) await close()
  useBinding(undefined)
})

async function open(fake: FakeOptions, options: LoadOptions = {}) {
  const addon = new FakeAddon(fake)
  useBinding(addon)
  const engine = await load({ model: 'fake.gguf', window: 8, ...options })
  closes.push(() => engine.close())
  return { engine, fake: addon.engine }
}

type Tokens = NonNullable<ReturnType<NonNullable<FakeOptions['script']>>['tokens']>
const says = (tokens: Tokens, end: 'stop' | 'length' | 'tool_calls' = 'stop'): FakeOptions => {
  return { script: () => ({ tokens, end }) }
}

const invoked = (model: ChatSluice, options = {}) => model.invoke('Tell me a story', options)

async function streamed(model: ChatSluice, options = {}): Promise<AIMessageChunk> {
  let whole: AIMessageChunk | undefined
  for await (const chunk of await model.stream('Tell me a story', options)) {
    whole = whole?.concat(chunk) ?? chunk
  }
  return whole ?? expect.fail('nothing came')
}

const asks = [
  ['whole', invoked],
  ['streamed', streamed],
] as const

const look = { type: 'function' as const, function: { name: 'look', parameters: {} } }
const called = (index: number, more: object) => ({
  toolCalls: [{ index, arguments: '', ...more }],
})
const cut = [
  called(0, { id: 'a', name: 'look', arguments: '{"at":' }),
  called(0, { arguments: '"sky"}' }),
  called(1, { id: 'b', name: 'clear', arguments: '{"path": ' }),
  called(1, { arguments: '"/srv/da' }),
  called(2, { id: 'c', name: 'wait' }),
]

describe.each(asks)('a reply, %s', (_, ask) => {
  test('a call that was cut is an invalid one, and a whole one before it is not', async () => {
    const { engine } = await open(says(cut, 'length'))
    const message = await ask(new ChatSluice({ engine }), { tools: [look] })
    expect(message.tool_calls).toEqual([
      { type: 'tool_call', id: 'a', name: 'look', args: { at: 'sky' } },
    ])
    expect(message.invalid_tool_calls).toMatchObject([
      { type: 'invalid_tool_call', id: 'b', name: 'clear', args: '{"path": "/srv/da' },
      { type: 'invalid_tool_call', id: 'c', name: 'wait', args: '' },
    ])
    expect(message.response_metadata).toMatchObject({ finish_reason: 'length' })
  })

  test('a call that was cut stays invalid where its message is kept and read back', async () => {
    const { engine } = await open(says(cut, 'length'))
    const message = await ask(new ChatSluice({ engine }), { tools: [look] })
    const { id, kwargs } = JSON.parse(JSON.stringify(message))
    expect(id.at(-1)).toBe('AIMessage')
    const { tool_calls, invalid_tool_calls } = new AIMessage(kwargs)
    expect({ tool_calls, invalid_tool_calls }).toEqual({
      tool_calls: message.tool_calls,
      invalid_tool_calls: message.invalid_tool_calls,
    })
    expect(tool_calls).toHaveLength(1)
  })

  test('tells logprobs, also of tokens that are alike', async () => {
    const entry = (id: number, bytes: string) => {
      const one = { id, bytes, logprob: -0.5 }
      return { ...one, top: [one] }
    }
    const token = { text: 'ho', logprobs: [entry(7, 'ho')] }
    const { engine, fake } = await open(says([token, token, token]))
    const message = await ask(new ChatSluice({ engine, chat: { logprobs: 1 } }))
    const plain = { token: 'ho', bytes: [104, 111], logprob: -0.5 }
    const told = { ...plain, top_logprobs: [plain] }
    expect(message.response_metadata.logprobs).toEqual({ content: [told, told, told] })
    expect(message.text).toBe('hohoho')
    expect(fake.submitted[0]).toMatchObject({ logprobs: 1 })
  })

  test('tells what cut it, what was dropped, and the notes', async () => {
    const { engine } = await open(says(['a', 'b', 'c']))
    const bad = { type: 'function', function: { name: 'look', parameters: { required: 'at' } } }
    const { response_metadata } = await ask(new ChatSluice({ engine, chat: { fit: true } }), {
      tools: [bad],
      chat: { maxTokens: 2, fit: true },
    })
    expect(response_metadata).toMatchObject({
      finish_reason: 'length',
      limit: 'maxTokens',
      dropped: [],
      notes: [{ path: expect.stringContaining('required'), message: expect.any(String) }],
    })
  })

  test('has nothing of what was not asked for', async () => {
    const { engine } = await open(says(['a']))
    const { response_metadata } = await ask(new ChatSluice({ engine }))
    const { tokenUsage: _, ...own } = response_metadata
    expect(own).toEqual({ finish_reason: 'stop', seed: expect.any(Number) })
  })
})

describe('a reply as events', () => {
  const calls = [
    called(0, { id: 'a', name: 'look', arguments: '{"at":"sky"}' }),
    called(1, { id: 'b', name: 'wait', arguments: '{}' }),
  ]
  const output = (engine: Engine) =>
    new ChatSluice({ engine }).streamEvents('Look!', { tools: [look] }).output

  test.each([
    ['alone', []],
    ['after text', ['Let me ', 'look.']],
  ])('has its calls %s', async (_, text) => {
    const { engine } = await open(says([...text, ...calls], 'tool_calls'))
    const message = await output(engine)
    expect(message.text).toBe(text.join(''))
    expect(message.tool_calls).toMatchObject([
      { id: 'a', name: 'look', args: { at: 'sky' } },
      { id: 'b', name: 'wait', args: {} },
    ])
  })

  test('has no call that was cut among the whole ones', async () => {
    const { engine } = await open(says(['Let me look.', ...cut], 'length'))
    const message = await output(engine)
    expect(message.tool_calls).toMatchObject([{ id: 'a', args: { at: 'sky' } }])
  })
})

describe('a form', () => {
  const hero = z.object({ name: z.string() })
  const text = '{"name":"Fox"}'

  test('counts before any form that `chat` says, of the model or of a call', async () => {
    const { engine } = await open(says([text]))
    const formed = new ChatSluice({ engine, chat: { json: true } }).withStructuredOutput(hero)
    expect(await formed.invoke('hi')).toEqual({ name: 'Fox' })
    expect(await formed.invoke('hi', { chat: { regex: /a/ } })).toEqual({ name: 'Fox' })
  })

  test.each(['jsonSchema', 'jsonMode'] as const)(
    'stays beside options of a call (%s)',
    async (method) => {
      const { engine, fake } = await open(says([text]))
      const model = new ChatSluice({ engine, chat: { temperature: 0 } })
      const formed = model.withStructuredOutput(hero, { method })
      expect(await formed.invoke('hi')).toEqual({ name: 'Fox' })
      expect(await formed.invoke('hi', { chat: { seed: 7 } })).toEqual({ name: 'Fox' })
      await model.invoke('hi')
      const [alone, beside, none] = fake.submitted
      expect(beside).toMatchObject({ seed: 7 })
      expect(beside?.grammar).toEqual(alone?.grammar)
      expect(beside?.grammar).not.toEqual(none?.grammar)
    },
  )

  test('by functionCalling is a call that is forced', async () => {
    const args = called(0, { id: 'a', name: 'hero', arguments: text })
    const { engine, fake } = await open(says([args], 'tool_calls'))
    const model = new ChatSluice({ engine })
    const formed = model.withStructuredOutput(hero, { method: 'functionCalling', name: 'hero' })
    expect(await formed.invoke('hi')).toEqual({ name: 'Fox' })
    await model.bindTools([look], { tool_choice: 'look' }).invoke('hi')
    await model.bindTools([look]).invoke('hi')
    const [forced, named, free] = fake.submitted.map(({ prompt }) => prompt as NativeChat)
    for (const [prompt, name] of [
      [forced, 'hero'],
      [named, 'look'],
    ] as const) {
      expect(prompt?.toolChoice).toBe('required')
      expect(prompt?.tools).toMatchObject([{ name }])
    }
    expect(free?.toolChoice).toBe('auto')
  })

  test('by functionCalling is missed where the call was cut', async () => {
    const args = called(0, { id: 'a', name: 'extract', arguments: '{"name":"F' })
    const { engine } = await open(says([args], 'length'))
    const formed = new ChatSluice({ engine }).withStructuredOutput(hero, {
      method: 'functionCalling',
    })
    await expect(formed.invoke('hi')).rejects.toThrow(/no whole call of "extract".*"length"/)
  })
})

describe('a cache', () => {
  const counted = async (model: string) => {
    let count = 0
    return open({ script: () => ({ tokens: [`${model} ${++count}`] }) }, { model: `${model}.gguf` })
  }

  test('keeps models and their options apart', async () => {
    const cache = new InMemoryCache()
    const { engine } = await counted('a')
    const { engine: other } = await counted('b')
    const said = async (fields: { chat?: object }, from = engine) => {
      return (await new ChatSluice({ engine: from, cache, ...fields }).invoke('hi')).text
    }
    expect(await said({})).toBe('a 1')
    expect(await said({})).toBe('a 1')
    expect(await said({}, other)).toBe('b 1')
    expect(await said({ chat: { temperature: 0 } })).toBe('a 2')
    expect(await said({ chat: { regex: /a/ } })).toBe('a 3')
    expect(await said({ chat: { regex: /b/ } })).toBe('a 4')
    expect(await said({ chat: { regex: /a/ } })).toBe('a 3')
    const schema = z.object({ a: z.string() })
    expect(await said({ chat: { schema } })).toBe('a 5')
    expect(await said({ chat: { schema: z.object({ b: z.string() }) } })).toBe('a 6')
    expect(await said({ chat: { schema } })).toBe('a 5')
  })

  test('keeps adapters apart that have the same name', async () => {
    const cache = new InMemoryCache()
    const said = async (file: string, scale: number) => {
      const script = () => ({ tokens: [`${file} at ${scale}`] })
      const { engine } = await open(
        { script },
        { model: 'a.gguf', lora: { mine: { file, scale } } },
      )
      return (await new ChatSluice({ engine, cache, chat: { lora: 'mine' } }).invoke('hi')).text
    }
    expect(await said('red.gguf', 1)).toBe('red.gguf at 1')
    expect(await said('blue.gguf', 1)).toBe('blue.gguf at 1')
    expect(await said('blue.gguf', 0.5)).toBe('blue.gguf at 0.5')
  })

  test('keeps the options of a call apart', async () => {
    const { engine } = await counted('a')
    const model = new ChatSluice({ engine, cache: new InMemoryCache() })
    const said = async (chat: object) => (await model.invoke('hi', { chat })).text
    expect(await said({ regex: /a/ })).toBe('a 1')
    expect(await said({ regex: /b/ })).toBe('a 2')
    expect(await said({ regex: /a/ })).toBe('a 1')
  })
})

describe('embeddings', () => {
  test('any number of texts is embedded, as many at a time as the engine takes', async () => {
    const { engine, fake } = await open({ embedding: { size: 4, pooling: 'mean' } })
    const embeddings = new SluiceEmbeddings({ engine })
    const texts = Array.from({ length: 2_050 }, (_, i) => `text ${i}`)
    const vectors = await embeddings.embedDocuments(texts)
    expect(fake.embedder.requests.map(({ inputs }) => inputs.length)).toEqual([2_048, 2])
    const alone = [0, 2_047, 2_048, 2_049].map((i) => embeddings.embedQuery(`text ${i}`))
    expect([vectors[0], vectors[2_047], vectors[2_048], vectors[2_049]]).toEqual(
      await Promise.all(alone),
    )
    expect(vectors).toHaveLength(2_050)
    expect(await embeddings.embedDocuments([])).toEqual([])
  })
})
