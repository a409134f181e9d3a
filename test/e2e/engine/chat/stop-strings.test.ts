import { readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, test } from 'vitest'
import type { ChatOptions, Engine } from '../../../../src/index.js'
import { scriptModel } from '../../../support/models/script-model.js'
import { suiteLoader } from '../../../support/suite-engines.js'

// Stop strings are about what is said. The models say what they are told to, under real templates.

const templates = path.resolve(import.meta.dirname, '../../../../deps/llama.cpp/models/templates')
const templateOf = (file: string) => readFileSync(path.join(templates, file), 'utf8')
const r1 = 'deepseek-ai-DeepSeek-R1-Distill-Qwen-32B.jinja'
const qwen = 'Qwen-Qwen3-0.6B.jinja'
const gptOss = 'openai-gpt-oss-120b.jinja'
const ask = [{ role: 'user' as const, content: 'How many foxes are there?' }]
const open = suiteLoader()

async function speaker(reply: string, template?: string): Promise<Engine> {
  const chatTemplate = template === undefined ? {} : { chatTemplate: templateOf(template) }
  return open({ model: scriptModel({ reply }), context: 2048, threads: 1, ...chatTemplate })
}

/** A reply part by part, and whole: both must say the same. */
async function told(engine: Engine, options: ChatOptions = {}) {
  const reply = engine.chat(ask, { logprobs: 0, ...options })
  let [text, reasoning, bytes] = ['', '', '']
  const parts: string[] = []
  for await (const part of reply) {
    text += part.text
    reasoning += part.reasoning ?? ''
    if (part.text !== '') parts.push(part.text)
    for (const one of part.logprobs ?? []) bytes += Buffer.from(one.bytes).toString('latin1')
  }
  const { finishReason, choices, usage, stopString } = await reply.done
  const written = Buffer.from(bytes, 'latin1').toString('utf8')
  return {
    text,
    reasoning,
    parts,
    written,
    finishReason,
    usage,
    stopString,
    toolCalls: choices[0]?.toolCalls,
  }
}

const thoughts = 'First of all I count: one. STOP. Two foxes, then END of it'
const answer = 'There are five foxes. END. And no STOP of it'

describe.each([
  [r1, thoughts, '</think>', answer],
  [qwen, `<think>${thoughts}`, '</think>', answer],
  [
    gptOss,
    `<|channel|>analysis<|message|>${thoughts}`,
    '<|end|><|start|>assistant<|channel|>final<|message|>',
    answer,
  ],
])('under %s', (template, begun, end, said) => {
  const reply = `${begun}${end}${said}`

  test('a stop string in thoughts ends nothing', async () => {
    const engine = await speaker(reply, template)
    const free = await told(engine)
    expect([free.reasoning, free.text, free.finishReason]).toEqual([thoughts, said, 'stop'])
    const plain = { ...free, parts: [], usage: {} }
    for (const stop of [
      ['STOP. Two'],
      ['First', 'count'],
      ['fox of them', ''],
      [thoughts.slice(-5) + end],
    ]) {
      const stopped = await told(engine, { stop })
      expect({ ...stopped, parts: [], usage: {} }).toEqual(plain)
      expect(stopped.usage.completionTokens).toBe(free.usage.completionTokens)
    }
  })

  test('a stop string in the text ends the reply before it', async () => {
    const engine = await speaker(reply, template)
    for (const stop of ['END', 'There', 'x. END', 'STOP of it', 'foxes. E']) {
      const cut = said.indexOf(stop)
      const wanted = cut < 0 ? said : said.slice(0, cut)
      const stopped = await told(engine, { stop: ['never', stop] })
      expect([stopped.reasoning, stopped.text]).toEqual([thoughts, wanted])
      expect(stopped.stopString).toBe(cut < 0 ? undefined : stop)
      expect(stopped.finishReason).toBe('stop')
      expect(stopped.written).toBe(`${begun}${end}${wanted}`)
    }
    const free = await told(engine)
    const { usage } = await told(engine, { stop: 'END' })
    expect(usage.completionTokens).toBeLessThan(free.usage.completionTokens)
  })

  test('a stop string is not found across thoughts that stand in a text', async () => {
    const engine = await speaker(reply, template)
    const stop = thoughts.slice(-2) + said.slice(0, 3)
    expect((await told(engine, { stop })).text).toBe(said)
  })
})

describe('a reply that calls a tool', () => {
  const parameters = {
    type: 'object',
    properties: { city: { type: 'string' } },
    required: ['city'],
  }
  const tools = [{ name: 'get_weather', parameters }]
  const call =
    '<tool_call>\n{"name": "get_weather", "arguments": {"city": "STOP in Paris"}}\n</tool_call>'
  const calls = [{ name: 'get_weather', arguments: '{"city": "STOP in Paris"}' }]

  test.each(['STOP', 'get_weather', 'Paris', '"', '}', '<tool', 'arguments'])(
    'is whole, whatever stop string is in the call: %s',
    async (stop) => {
      const engine = await speaker(`I look. ${call}`, 'Qwen-Qwen2.5-7B-Instruct.jinja')
      const result = await told(engine, { tools, stop })
      expect(result.finishReason).toBe('tool_calls')
      expect(result.text).toBe('I look. ')
      expect(result.toolCalls).toMatchObject(calls)
    },
  )

  test('has all the text that was held back for a stop string where the call begins', async () => {
    const engine = await speaker(`I look. ST${call}`, 'Qwen-Qwen2.5-7B-Instruct.jinja')
    const result = await told(engine, { tools, stop: ['STOP', 'ST<tool_call>'] })
    expect([result.text, result.finishReason]).toEqual(['I look. ST', 'tool_calls'])
  })

  test('ends before a stop string that comes first, and calls nothing', async () => {
    const engine = await speaker(`I look. STOP! ${call}`, 'Qwen-Qwen2.5-7B-Instruct.jinja')
    const result = await told(engine, { tools, stop: 'STOP' })
    expect([result.text, result.finishReason]).toEqual(['I look. ', 'stop'])
    expect(result.toolCalls).toBeUndefined()
    expect(result.written).toBe('I look. ')
  })

  test('has the beginning of a mark in its text where the reply ends with it', async () => {
    const engine = await speaker('There are 5 <tool', 'Qwen-Qwen2.5-7B-Instruct.jinja')
    expect((await told(engine, { tools, stop: '<tools>' })).text).toBe('There are 5 <tool')
    const cut = await told(engine, { tools, stop: '<too' })
    expect([cut.text, cut.finishReason, cut.stopString]).toEqual(['There are 5 ', 'stop', '<too'])
  })
})

test('a mark of the template’s that ends a reply is text in a call', async () => {
  const code = 'print("</assistant>")'
  const argument = `<arg_key>code</arg_key>\n<arg_value>${code}</arg_value>`
  const call = `<tool_call>run\n${argument}\n</tool_call>`
  const engine = await speaker(call, 'poolside-Laguna-XS.2.jinja')
  const parameters = {
    type: 'object',
    properties: { code: { type: 'string' } },
    required: ['code'],
  }
  const tools = [{ name: 'run', parameters }]
  const result = await told(engine, { tools, reasoning: { enabled: false } })
  expect(result.toolCalls).toMatchObject([{ name: 'run', arguments: JSON.stringify({ code }) }])
  expect([result.text, result.finishReason]).toEqual(['', 'tool_calls'])
})

test('a stop string is found in a plain chat and a completion, and in no form', async () => {
  const engine = await speaker('There are five foxes, as they say.')
  expect((await told(engine, { stop: ['fox', ''] })).text).toBe('There are five ')
  const grammar = 'root ::= "There are" [^.]* "."'
  const options = { stop: ['five', 'T'], grammar }
  const whole = 'There are five foxes, as they say.'
  expect((await told(engine, options)).text).toBe(whole)
  expect(await engine.complete('Say', options).text()).toBe(whole)
  expect(await engine.complete('Say', { stop: 'five' }).text()).toBe('There are ')
})
