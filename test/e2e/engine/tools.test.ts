import { readFileSync } from 'node:fs'
import path from 'node:path'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { afterEach, describe, expect, test } from 'vitest'
import { type ChatOptions, type Engine, load } from '../../../src/index.js'

// Tools on the real engine: the embedded model knows of none, so that each call that comes is the
// grammar's doing, and whatever else it says is noise for the parser.

const root = path.resolve(import.meta.dirname, '../../..')
const hello = [{ role: 'user' as const, content: 'What is the weather like?' }]
const open: Engine[] = []

afterEach(async () => {
  for (const engine of open.splice(0)) await engine.close()
})

async function withTemplate(file: string): Promise<Engine> {
  const templates = path.join(root, 'deps/llama.cpp/models/templates')
  const engine = await load({
    model: path.join(root, 'models/storyteller.gguf'),
    chatTemplate: readFileSync(path.join(templates, file), 'utf8'),
    context: 2048,
  })
  open.push(engine)
  return engine
}

const parameters = {
  type: 'object',
  properties: {
    city: { enum: ['Paris', 'Rome', 'Zürich "am See"'] },
    days: { type: 'integer', minimum: 1, maximum: 7 },
    hourly: { type: 'boolean' },
  },
  required: ['city', 'days'],
  additionalProperties: false,
}
const weather = { name: 'get_weather', description: 'Tells the weather', parameters }
const walk = { name: 'walk', parameters: { type: 'object', properties: {} } }
const required: ChatOptions = {
  tools: [walk, weather],
  toolChoice: { name: 'get_weather' },
  parallelToolCalls: false,
  temperature: 1.5,
  maxTokens: 400,
}

const templates = [
  'Qwen-Qwen2.5-7B-Instruct.jinja',
  'NousResearch-Hermes-3-Llama-3.1-8B-tool_use.jinja',
  'meta-llama-Llama-3.2-3B-Instruct.jinja',
  'mistralai-Mistral-Nemo-Instruct-2407.jinja',
]

test.each(templates)('a call that must be made is made, and is valid: %s', async (file) => {
  const engine = await withTemplate(file)
  const isValid = new Ajv2020().compile(parameters)
  let finished = 0
  for (let seed = 1; seed <= 6; seed++) {
    const reply = engine.chat(hello, { ...required, seed })
    let joined = ''
    let names = 0
    for await (const { toolCalls = [] } of reply) {
      for (const { name, arguments: more } of toolCalls) {
        joined += more
        names += name === undefined ? 0 : 1
      }
    }
    const { choices } = await reply.done
    const [choice] = choices
    if (choice?.finishReason !== 'tool_calls') continue
    finished++
    const [call] = choice.toolCalls ?? []
    expect(choice.toolCalls).toHaveLength(1)
    expect([call?.name, call?.arguments, names]).toEqual(['get_weather', joined, 1])
    expect(isValid(JSON.parse(joined)), joined).toBe(true)
  }
  expect(finished).toBeGreaterThanOrEqual(5)
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

test('tokens are counted with the tools', async () => {
  const engine = await withTemplate('Qwen-Qwen2.5-7B-Instruct.jinja')
  const count = await engine.countTokens(hello, { tools: [weather] })
  expect(count).toBeGreaterThan(await engine.countTokens(hello))
  const reply = engine.chat(hello, { tools: [weather], maxTokens: 1 })
  expect((await reply.accepted).promptTokens).toBe(count)
})

test('a last message of the assistant is gone on with', async () => {
  const engine = await withTemplate('Qwen-Qwen2.5-7B-Instruct.jinja')
  const begun = [...hello, { role: 'assistant' as const, content: 'Once upon a' }]
  expect(await engine.applyTemplate(begun)).toMatch(/assistant\nOnce upon a$/)
  const whole = await engine.applyTemplate(begun, { continueFinal: false })
  expect(whole).toMatch(/Once upon a<\|im_end\|>\n<\|im_start\|>assistant\n$/)
})

test('thoughts come apart from what is said', async () => {
  const engine = await withTemplate('deepseek-ai-DeepSeek-R1-Distill-Qwen-32B.jinja')
  const reply = engine.chat(hello, { seed: 1, maxTokens: 20 })
  let reasoning = ''
  for await (const part of reply) reasoning += part.reasoning ?? ''
  const { choices } = await reply.done
  expect(reasoning).not.toBe('') // its prompt ends in <think>, and this model never closes it
  expect(choices[0]?.reasoning).toBe(reasoning)
})

describe('what cannot be', () => {
  const text = 'ERR_INVALID_REQUEST'
  test.each([
    ['a schema that refers to itself alone', { $ref: '#' }, 'ERR_INVALID_SCHEMA'],
    [
      'a schema that refers to nothing',
      { properties: { a: { $ref: '#/x' } } },
      'ERR_INVALID_SCHEMA',
    ],
    ['a kind that JSON has not', { type: 'wizard' }, 'ERR_INVALID_SCHEMA'],
    [
      'a billion items',
      { properties: { a: { type: 'array', minItems: 1e9 } } },
      'ERR_INVALID_SCHEMA',
    ],
  ])('%s is refused, and the engine lives', async (_, schema, code) => {
    const engine = await withTemplate('Qwen-Qwen2.5-7B-Instruct.jinja')
    const reply = engine.chat(hello, { tools: [{ name: 'x', parameters: schema }] })
    await expect(reply.accepted).rejects.toMatchObject({ code })
    expect((await engine.chat(hello, { maxTokens: 2 }).done).choices).toHaveLength(1)
  })

  test('a template that is none is refused while loading', async () => {
    const model = path.join(root, 'models/storyteller.gguf')
    const loading = load({ model, chatTemplate: '{% for %}' })
    await expect(loading).rejects.toMatchObject({ code: text })
  })
})
