import { readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, test } from 'vitest'
import type { ChatMessage, ChatOptions, Engine } from '../../../../src/index.js'
import { randomModel } from '../../../support/models/random-model.js'
import { scriptModel } from '../../../support/models/script-model.js'
import { suiteLoader } from '../../../support/suite-engines.js'

// Where the form of a reply stands, by the template: behind thoughts, in a channel, beside calls.
// test/long/forms.test.ts has all templates.

const templates = path.resolve(import.meta.dirname, '../../../../deps/llama.cpp/models/templates')
const templateOf = (file: string) => readFileSync(path.join(templates, file), 'utf8')
const r1 = 'deepseek-ai-DeepSeek-R1-Distill-Qwen-32B.jinja'
const qwen = 'Qwen-Qwen3-0.6B.jinja'
const gptOss = 'openai-gpt-oss-120b.jinja'
const hermes = 'Qwen-Qwen2.5-7B-Instruct.jinja'
const llama = 'meta-llama-Llama-3.1-8B-Instruct.jinja'
const ask: ChatMessage[] = [{ role: 'user', content: 'How many foxes are there?' }]
const open = suiteLoader()

async function speaker(reply: string, template: string): Promise<Engine> {
  const chatTemplate = templateOf(template)
  return open({ model: scriptModel({ reply }), context: 2048, threads: 1, chatTemplate })
}

async function told(engine: Engine, options: ChatOptions = {}, messages = ask) {
  const reply = engine.chat(messages, { maxTokens: 300, ...options })
  let [text, reasoning] = ['', '']
  let isOrdered = true
  for await (const part of reply) {
    isOrdered &&= text === '' || part.reasoning === undefined || part.reasoning === ''
    text += part.text
    reasoning += part.reasoning ?? ''
  }
  const { finishReason, choices, usage } = await reply.done
  expect(isOrdered).toBe(true)
  return { text, reasoning, finishReason, usage, toolCalls: choices[0]?.toolCalls }
}

const schema = {
  type: 'object',
  properties: { mark: { type: 'string' }, name: { type: 'string' }, count: { type: 'integer' } },
  required: ['mark', 'name', 'count'],
  additionalProperties: false,
}
// All that formats have marks of is text in a form.
const value = {
  mark: '</think><think>x</think> <tool_call>{} <|end|><|channel|>analysis<|message|> [TOOL_CALLS]',
  name: 'get_weather',
  count: 5,
}
const form = JSON.stringify(value)
const thoughts = 'Let me count: {"mark": 1}, {"mark": "two"} and so on.'
const parameters = { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] }
const tools = [{ name: 'get_weather', description: 'Tells the weather', parameters }]

describe.each([
  [r1, thoughts, '</think>\n\n'],
  [qwen, `<think>${thoughts}`, '</think>\n\n'],
  [
    gptOss,
    `<|channel|>analysis<|message|>${thoughts}`,
    '<|end|><|start|>assistant<|channel|>final<|message|>',
  ],
])('under %s', (template, begun, end) => {
  test('the form stands behind the thoughts, and is the text', async () => {
    const engine = await speaker(begun + end + form, template)
    for (const options of [{}, { reasoning: { enabled: true } }, { stop: ['"', 'mark'] }]) {
      const result = await told(engine, { schema, ...options })
      expect([result.reasoning, result.text]).toEqual([thoughts, form])
      expect(result.finishReason).toBe('stop')
    }
  })

  test('an object and a grammar of the request’s are kept to', async () => {
    const engine = await speaker(begun + end + form, template)
    const grammar = 'root ::= form\nform ::= "{" space\nspace ::= [^\\n]*'
    for (const options of [{ json: true }, { grammar }]) {
      const result = await told(engine, options)
      expect([result.reasoning, result.text]).toEqual([thoughts, form])
    }
  })

  test('the form is kept to without thoughts where they are switched off', async () => {
    const channel = template === gptOss ? '<|channel|>final<|message|>' : ''
    const engine = await speaker(channel + form, template)
    const result = await told(engine, { schema, reasoning: { enabled: false } })
    expect([result.reasoning, result.text, result.finishReason]).toEqual(['', form, 'stop'])
  })
})

test.each([r1, qwen])('a budget ends the thoughts, and the form follows: %s', async (template) => {
  const model = randomModel({ seed: 2, logitDeviation: 1 })
  const engine = await open({
    model,
    context: 1024,
    threads: 1,
    chatTemplate: templateOf(template),
  })
  const foxes = { enum: ['fox', 'foxes'] }
  const reasoning = { budget: 4, budgetMessage: 'Enough.' }
  let thought = 0
  for (const seed of [1, 2, 3, 4, 5, 6]) {
    const result = await told(engine, { schema: foxes, reasoning, seed, temperature: 1.5 })
    expect([result.finishReason, JSON.parse(result.text)]).toEqual([
      'stop',
      expect.stringMatching(/^foxe?s?$/),
    ])
    if (result.reasoning.endsWith('Enough.')) thought++
  }
  expect(thought).toBeGreaterThan(0)
})

test('the spaces that a grammar begins with are its own, those behind thoughts not', async () => {
  const grammar = 'root ::= " so " [a-z]+'
  const engine = await speaker(`<think>${thoughts}</think>\n\n so it`, qwen)
  expect((await told(engine, { grammar })).text).toBe(' so it')
  const next = await speaker(`<think>${thoughts}</think> so it`, qwen)
  expect((await told(next, { grammar })).text).toBe(' so it')
})

test('a form is kept to beside choices, logprobs and biases', async () => {
  const engine = await speaker(`<think>${thoughts}</think>${form}`, qwen)
  const options = { schema, n: 2, logprobs: 1, logitBias: { 5: -3 } }
  const said = ['', '']
  const written: number[][] = [[], []]
  const reply = engine.chat(ask, options)
  for await (const { choice, text, logprobs = [] } of reply) {
    said[choice] += text
    written[choice]?.push(...logprobs.flatMap((one) => [...one.bytes]))
  }
  expect(said).toEqual([form, form])
  for (const [index, { reasoning }] of (await reply.done).choices.entries()) {
    expect(reasoning).toBe(thoughts)
    const text = Buffer.from(written[index] ?? []).toString()
    expect(text).toBe(`<think>${thoughts}</think>${form}`)
  }
})

describe('tools beside a form', () => {
  const call = '<tool_call>\n{"name": "get_weather", "arguments": {"city": "Paris"}}\n</tool_call>'
  const calls = [{ name: 'get_weather', arguments: '{"city": "Paris"}' }]
  const [channel, next] = ['<|channel|>', '<|end|><|start|>assistant']
  const analysis = `${channel}analysis<|message|>${thoughts}${next}${channel}`

  test.each([
    [hermes, call],
    [qwen, `<think>${thoughts}</think>\n\n${call}`],
    [gptOss, `${analysis}commentary to=functions.get_weather<|message|>{"city": "Paris"}`],
    [llama, '{"name": "get_weather", "parameters": {"city": "Paris"}}'],
  ])('are called: %s', async (template, said) => {
    const engine = await speaker(said, template)
    for (const toolChoice of ['auto', 'required'] as const) {
      const result = await told(engine, { schema, tools, toolChoice })
      expect([result.text, result.finishReason]).toEqual(['', 'tool_calls'])
      expect(result.toolCalls).toMatchObject(calls)
    }
  })

  test.each([
    [hermes, form],
    [qwen, `<think>${thoughts}</think>\n\n${form}`],
    [gptOss, `${analysis}final<|message|>${form}`],
    [llama, form],
  ])('leave the form to be said: %s', async (template, said) => {
    const engine = await speaker(said, template)
    for (const toolChoice of ['auto', 'none'] as const) {
      const result = await told(engine, { schema, tools, toolChoice })
      expect([result.text, result.finishReason, result.toolCalls]).toEqual([
        form,
        'stop',
        undefined,
      ])
      expect(result.reasoning).toBe(said === form ? '' : thoughts)
    }
  })

  test('leave a form that begins as a call held back until it is known which', async () => {
    const properties = { name: { type: 'string' }, count: { type: 'integer' } }
    const named = { type: 'object', properties, required: ['name', 'count'] }
    const said = '{"name": "get_weather", "count": 3}'
    const engine = await speaker(said, llama)
    const result = await told(engine, { schema: named, tools })
    expect([result.text, result.finishReason, result.toolCalls]).toEqual([said, 'stop', undefined])
  })

  test('leave nothing else to be said', async () => {
    const model = randomModel({ seed: 5, logitDeviation: 1 })
    const engine = await open({
      model,
      context: 1024,
      threads: 1,
      chatTemplate: templateOf(hermes),
    })
    const endings = new Set<string>()
    const city = { type: 'object', properties: { city: { enum: ['Paris'] } }, required: ['city'] }
    const asked: ChatOptions = {
      schema: { enum: [1, 2] },
      tools: [{ name: 'get_weather', parameters: { ...city, additionalProperties: false } }],
      parallelToolCalls: false,
      temperature: 1.5,
    }
    for (let seed = 0; seed < 10; seed++) {
      const result = await told(engine, { ...asked, seed })
      endings.add(result.finishReason)
      if (result.finishReason === 'stop') expect(result.text).toMatch(/^[12]$/)
      else expect(result.text).toBe('')
    }
    expect(endings).toContain('stop')
    expect(endings).toContain('tool_calls')
  })
})

describe('a last message of the assistant', () => {
  const begun = (content: string): ChatMessage[] => [...ask, { role: 'assistant', content }]

  test.each([hermes, qwen, r1])(
    'that begins the form goes on as the form: %s',
    async (template) => {
      const engine = await speaker(form.slice(9), template)
      const result = await told(engine, { schema }, begun(form.slice(0, 9)))
      expect([result.text, result.finishReason]).toEqual([form.slice(9), 'stop'])
    },
  )

  test.each([hermes, qwen])('that is something else stands before it: %s', async (template) => {
    const engine = await speaker(form, template)
    const result = await told(engine, { schema }, begun('Here it is:\n'))
    expect([result.text, result.finishReason]).toEqual([form, 'stop'])
  })
})
