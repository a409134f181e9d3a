import { readFileSync } from 'node:fs'
import path from 'node:path'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { afterEach, describe, expect, test } from 'vitest'
import { type ChatOptions, type Engine, load } from '../../../../src/index.js'
import { randomModel } from '../../../support/models/random-model.js'
import { scriptModel } from '../../../support/models/script-model.js'

// Tools on the real engine: its models know of none, so that each call that comes is the grammar's
// doing, and whatever else they say is noise for the parser.

const root = path.resolve(import.meta.dirname, '../../../..')
const hello = [{ role: 'user' as const, content: 'What is the weather like?' }]
const open: Engine[] = []

afterEach(async () => {
  for (const engine of open.splice(0)) await engine.close()
})

const storyteller = path.join(root, 'models/storyteller.gguf')

async function withTemplate(file: string, model = storyteller): Promise<Engine> {
  const templates = path.join(root, 'deps/llama.cpp/models/templates')
  const engine = await load({
    model,
    chatTemplate: readFileSync(path.join(templates, file), 'utf8'),
    context: model === storyteller ? 2048 : 8192,
    parallel: 8,
  })
  open.push(engine)
  return engine
}

const parameters = {
  type: 'object',
  properties: {
    city: { enum: ['Paris', 'Rome', 'Zürich "am See"', '<here>'] },
    'day-of': { type: 'string', pattern: '^[A-Z][a-z]{2,5}$' },
    day_of: { type: 'integer', minimum: 1, maximum: 31 },
    share: { type: ['number', 'null'], minimum: 0, exclusiveMaximum: 1 },
    note: { anyOf: [{ type: 'string', maxLength: 8 }, { type: 'null' }] },
    hourly: { type: 'boolean' },
  },
  required: ['city', 'day-of'],
  additionalProperties: false,
}
const nested = {
  type: 'object',
  properties: {
    tree: { $ref: '#/$defs/tree' },
    area: {
      type: 'object',
      properties: {
        from: { type: 'array', items: { type: 'integer' }, minItems: 2, maxItems: 2 },
        unit: { const: 'm' },
      },
      required: ['from'],
      additionalProperties: false,
    },
    when: { anyOf: [{ type: 'integer', minimum: 0 }, { type: 'boolean' }] },
  },
  required: ['area'],
  additionalProperties: false,
  $defs: {
    tree: {
      type: 'object',
      properties: {
        name: { type: 'string', minLength: 1, maxLength: 6 },
        more: { type: 'array', items: { $ref: '#/$defs/tree' }, maxItems: 2 },
      },
      required: ['name'],
      additionalProperties: false,
    },
  },
}
const weather = { name: 'get_weather', description: 'Tells the weather', parameters }
// Two names that llama.cpp's own rules would mix up.
const tools = [weather, { name: 'get-weather', parameters: nested }].map((tool) => {
  return { ...tool, strict: true }
})
const isValid = new Map([
  ['get_weather', new Ajv2020({ strict: false }).compile(parameters)],
  ['get-weather', new Ajv2020({ strict: false }).compile(nested)],
])

const templates = [
  'Qwen-Qwen2.5-7B-Instruct.jinja',
  'Qwen3-Coder.jinja',
  'meta-llama-Llama-3.1-8B-Instruct.jinja',
  'meta-llama-Llama-3.2-3B-Instruct.jinja',
  'mistralai-Mistral-Nemo-Instruct-2407.jinja',
  'Mistral-Small-3.2-24B-Instruct-2506.jinja',
  'google-gemma-4-31B-it.jinja',
  'deepseek-ai-DeepSeek-V3.1.jinja',
  'deepseek-ai-DeepSeek-V3.2.jinja',
  'openai-gpt-oss-120b.jinja',
  'moonshotai-Kimi-K2.jinja',
  'GLM-4.6.jinja',
  'MiniMax-M3.jinja',
]

describe('a random model that must call, at temperature 1.5', () => {
  const endings: string[] = []

  test.each(templates)('makes calls that validate, by the template %s', async (file) => {
    const engine = await withTemplate(file, randomModel({ seed: 5 }))
    const replies = Array.from({ length: 6 }, (_, seed) => {
      const choice = (['get_weather', 'get-weather'] as const)[seed % 3]
      const toolChoice = choice === undefined ? 'required' : { name: choice }
      return askForCalls(engine, { toolChoice, parallelToolCalls: seed >= 3, seed })
    })
    endings.push(...(await Promise.all(replies)))
  })

  // Four of five do here; how many depends on the processor's rounding.
  test('makes calls in most replies; the others are cut', () => {
    expect(endings.every((ending) => ['tool_calls', 'length'].includes(ending))).toBe(true)
    const calls = endings.filter((ending) => ending === 'tool_calls')
    expect(calls.length).toBeGreaterThan(endings.length / 2)
  })
})

/** @returns how the reply ended */
async function askForCalls(engine: Engine, options: ChatOptions): Promise<string> {
  const reply = engine.chat(hello, {
    ...options,
    tools,
    reasoning: { enabled: false },
    temperature: 1.5,
    maxTokens: 700,
  })
  const joined: string[] = []
  for await (const { toolCalls = [] } of reply) {
    for (const { index, name, arguments: more } of toolCalls) {
      expect(name === undefined).toBe(joined[index] !== undefined)
      joined[index] = (joined[index] ?? '') + more
    }
  }
  const { finishReason, choices } = await reply.done
  if (finishReason !== 'tool_calls') return finishReason
  const calls = choices[0]?.toolCalls ?? []
  expect(calls.map((call) => call.arguments)).toEqual(joined)
  expect(calls.length).toBeGreaterThan(0)
  if (options.parallelToolCalls === false) expect(calls).toHaveLength(1)
  for (const call of calls) {
    const said = JSON.parse(call.arguments)
    expect([call, isValid.get(call.name)?.(said)]).toEqual([call, true])
  }
  return finishReason
}

const code = 'if (a << 1 < b) {\n\treturn "</b>é"\n}\n'
test.each([
  [
    'Qwen3-Coder.jinja',
    '<tool_call>\n<function=run>\n<parameter=code>\n' +
      `${code}\n</parameter>\n</function>\n</tool_call>`,
  ],
  ['google-gemma-4-31B-it.jinja', `<|tool_call>call:run{code:<|"|>${code}<|"|>}<tool_call|>`],
  [
    'GLM-4.6.jinja',
    `<tool_call>run\n<arg_key>code</arg_key>\n<arg_value>${code}</arg_value>\n</tool_call>`,
  ],
])('text without limits is any text, between the marks of %s', async (file, said) => {
  const engine = await withTemplate(file, scriptModel({ reply: said }))
  const run = {
    name: 'run',
    parameters: { type: 'object', properties: { code: { type: 'string' } }, required: ['code'] },
    strict: true,
  }
  const { choices } = await engine.chat(hello, { tools: [run], reasoning: { enabled: false } }).done
  const [call] = choices[0]?.toolCalls ?? []
  expect(JSON.parse(call?.arguments ?? '')).toEqual({ code })
})

test('a reply that may call and does not is the text that it is without a parser', async () => {
  const engine = await withTemplate('Qwen-Qwen2.5-7B-Instruct.jinja')
  const reply = engine.chat(hello, { tools: [weather], seed: 3, maxTokens: 60 })
  const text = await reply.text()
  const { choices } = await reply.done
  expect(text).not.toBe('')
  expect(choices[0]?.toolCalls).toBeUndefined()
  const prompt = await engine.applyTemplate(hello, { tools: [weather] })
  expect(prompt).toContain('get_weather')
  const plain = engine.complete(prompt, { seed: 3, maxTokens: 60 })
  expect(await plain.text()).toBe(text)
})

test.each([
  ['of the template', 'Qwen-Qwen2.5-7B-Instruct.jinja', 'You are a bird.'],
  ['that leaves them to the prompt', 'deepseek-ai-DeepSeek-V3.1.jinja', 'You are a bird.'],
  ['that leaves them to the prompt', 'deepseek-ai-DeepSeek-V3.1.jinja', undefined],
])('a model gets the list of its tools, %s (%s)', async (_, file, system) => {
  const engine = await withTemplate(file)
  const said = system === undefined ? [] : [{ role: 'system' as const, content: system }]
  const prompt = await engine.applyTemplate([...said, ...hello], { tools: [weather] })
  for (const word of [system ?? '', 'get_weather', 'Tells the weather', '"day_of"']) {
    expect(prompt).toContain(word)
  }
  // Where it may call none as well, or what is cached of the conversation would be lost.
  const tools = [weather]
  expect(await engine.applyTemplate([...said, ...hello], { tools, toolChoice: 'none' })).toBe(
    prompt,
  )
})

test('a model that thinks and must call says nothing in between', async () => {
  const engine = await withTemplate('Apriel-1.6-15b-Thinker-fixed.jinja')
  const reasoning = { budget: 4 }
  const options: ChatOptions = { tools, toolChoice: 'required', reasoning, maxTokens: 800, seed: 1 }
  const reply = engine.chat(hello, options)
  expect((await reply.text()).trim()).toBe('')
  const { choices } = await reply.done
  expect(choices[0]?.reasoning).not.toBe('')
  expect(choices[0]?.toolCalls?.length).toBeGreaterThan(0)
})

test('tokens are counted with the tools', async () => {
  const engine = await withTemplate('Qwen-Qwen2.5-7B-Instruct.jinja')
  const count = await engine.countTokens(hello, { tools: [weather] })
  expect(count).toBeGreaterThan(await engine.countTokens(hello))
  const reply = engine.chat(hello, { tools: [weather], maxTokens: 1 })
  expect((await reply.accepted).promptTokens).toBe(count)
})

test('a last message of the assistant is continued', async () => {
  const engine = await withTemplate('Qwen-Qwen2.5-7B-Instruct.jinja')
  const begun = [...hello, { role: 'assistant' as const, content: 'Once upon a' }]
  expect(await engine.applyTemplate(begun)).toMatch(/assistant\nOnce upon a$/)
  const whole = await engine.applyTemplate(begun, { continueFinal: false })
  expect(whole).toMatch(/Once upon a<\|im_end\|>\n<\|im_start\|>assistant\n$/)
})

test('thoughts come apart from the text', async () => {
  const engine = await withTemplate('deepseek-ai-DeepSeek-R1-Distill-Qwen-32B.jinja')
  const reply = engine.chat(hello, { seed: 1, maxTokens: 20 })
  let reasoning = ''
  for await (const part of reply) reasoning += part.reasoning ?? ''
  const { choices } = await reply.done
  expect(reasoning).not.toBe('') // its prompt ends in <think>, and this model never closes it
  expect(choices[0]?.reasoning).toBe(reasoning)
})

describe('what cannot be is refused', () => {
  const text = 'ERR_INVALID_REQUEST'
  const code = 'ERR_INVALID_SCHEMA'
  const tags = { type: 'array', uniqueItems: true }

  test('where a schema is none, by strict alone, and the engine lives', async () => {
    const engine = await withTemplate('Qwen-Qwen2.5-7B-Instruct.jinja')
    const parameters = { properties: { a: { $ref: '#/x' } } }
    const chat = (strict: boolean) => {
      return engine.chat(hello, { tools: [{ name: 'x', parameters, strict }], maxTokens: 2 })
    }
    const path = 'tools[0].parameters.properties.a.$ref'
    expect(() => chat(true)).toThrow(expect.objectContaining({ code, path }))
    const reply = chat(false)
    expect(reply.notes.map((note) => note.path)).toEqual([path])
    expect((await reply.done).choices).toHaveLength(1)
  })

  test('where no grammar keeps to it, by strict alone', async () => {
    const engine = await withTemplate('Qwen-Qwen2.5-7B-Instruct.jinja')
    const tool = { name: 'x', parameters: { properties: { tags } } }
    const chat = (strict: boolean) => {
      return engine.chat(hello, { tools: [{ ...tool, strict }], maxTokens: 2 })
    }
    const path = 'tools[0].parameters.properties.tags.uniqueItems'
    expect(() => chat(true)).toThrow(expect.objectContaining({ code, path }))
    expect((await chat(false).done).choices).toHaveLength(1)
    expect(await engine.applyTemplate(hello, { tools: [tool] })).toContain('uniqueItems')
  })

  test("where a template's calls fit no grammar of a schema, for a strict tool", async () => {
    const engine = await withTemplate('LFM2-8B-A1B.jinja')
    const chat = () => engine.chat(hello, { tools: [{ name: 'x', strict: true }] })
    expect(chat).toThrow(expect.objectContaining({ option: 'tools[0].strict' }))
  })

  test('where the template would leave out tools and calls', async () => {
    const engine = await withTemplate('google-gemma-2-2b-it.jinja')
    expect(engine.model.canCallTools).toBe(false)
    const refusal = (option: string) => expect.objectContaining({ option })
    expect(() => engine.chat(hello, { tools: [weather] })).toThrow(refusal('tools'))
    const asked = engine.applyTemplate(hello, { tools: [weather] })
    await expect(asked).rejects.toMatchObject({ option: 'tools' })
    const toolCalls = [{ id: 'a', name: 'get_weather', arguments: '{}' }]
    const called = [...hello, { role: 'assistant' as const, toolCalls }, ...hello]
    expect(() => engine.chat(called)).toThrow(refusal('messages[1].toolCalls'))
    const none = engine.chat(hello, { tools: [weather], toolChoice: 'none', maxTokens: 2 })
    expect((await none.done).choices).toHaveLength(1)
    expect((await withTemplate('Qwen3-Coder.jinja')).model.canCallTools).toBe(true)
  })

  test.each(['auto', 'required'] as const)(
    'where a call to go on with has more brackets than a stack carries: %s',
    async (toolChoice) => {
      const engine = await withTemplate('Qwen-Qwen2.5-7B-Instruct.jinja')
      const content = `<tool_call>\n{"name": "x", "arguments": {"a": ${'['.repeat(700_000)}`
      const begun = [...hello, { role: 'assistant' as const, content }]
      const reply = engine.chat(begun, { tools: [{ name: 'x' }], toolChoice })
      await expect(reply.accepted).rejects.toMatchObject({ code: text })
      expect((await engine.chat(hello, { maxTokens: 2 }).done).choices).toHaveLength(1)
    },
  )

  test('where a template is none, while loading', async () => {
    const model = path.join(root, 'models/storyteller.gguf')
    const loading = load({ model, chatTemplate: '{% for %}' })
    await expect(loading).rejects.toMatchObject({ code: text })
  })
})
