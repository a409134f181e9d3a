import { readFileSync } from 'node:fs'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { describe, expect, test } from 'vitest'
import type { ChatMessage, ReplyPart } from '../../../../src/index.js'
import { templateText } from '../../../support/agents/session.js'
import { randomModel } from '../../../support/models/random-model.js'
import { turnModel } from '../../../support/models/turn-model.js'
import { suiteLoader } from '../../../support/suite-engines.js'

// Tools of models whose chat templates know none: told in the system message, and read from JSON.

const load = suiteLoader()
const toolsFallback = true
const ask: ChatMessage[] = [{ role: 'user', content: 'What is the weather like?' }]
const parameters = {
  type: 'object',
  properties: { city: { type: 'string', maxLength: 12 }, days: { type: 'integer', maximum: 9 } },
  required: ['city'],
  additionalProperties: false,
}
const weather = { name: 'get_weather', description: 'Tells the weather', parameters }
const time = { name: 'get_time', parameters: { type: 'object', additionalProperties: false } }
const tools = [weather, time]

const written = (name: string, json: string) =>
  `<tool_call>\n{"name": "${name}", "arguments": ${json}}\n</tool_call>`
const oslo = written('get_weather', '{"city": "Oslo (NO)"}')
const answer = 'It is as sunny in that city as it was.'

/** It says that, and once a call is in its prompt, an answer. */
function says(reply: string, chatTemplate?: string): string {
  const turns = [
    { mark: 'Oslo (NO)', reply },
    { mark: 'never said at all', reply: answer },
  ]
  return turnModel({ turns, ...(chatTemplate === undefined ? {} : { chatTemplate }) })
}

/** What an assistant's call and its answer look like to the next turn. */
function answered(call: { id: string; name: string; arguments: string }, text = ''): ChatMessage[] {
  return [
    ...ask,
    { role: 'assistant', content: text, toolCalls: [call] },
    { role: 'tool', content: 'sunny', toolCallId: call.id },
  ]
}

describe('a model whose chat template knows no tools', () => {
  test('is told of them in the system message, calls, is answered, and goes on', async () => {
    const model = says(`Let me look.\n${oslo}`)
    const engine = await load({ model, toolsFallback, context: 8192, window: 4 })
    expect(engine.model.canCallTools).toBe(true)
    const reply = engine.chat(ask, { tools })
    const parts: ReplyPart[] = []
    for await (const part of reply) parts.push(part)
    const { text, toolCalls = [], finishReason, usage } = await reply.done
    expect({ text, finishReason }).toEqual({ text: 'Let me look.\n', finishReason: 'tool_calls' })
    const [call] = toolCalls
    if (call === undefined) return expect.fail('nothing was called')
    expect(toolCalls).toEqual([
      {
        id: expect.stringMatching(/^\w+$/),
        name: 'get_weather',
        arguments: '{"city": "Oslo (NO)"}',
      },
    ])
    // The arguments came in pieces, after the name.
    const deltas = parts.flatMap(({ toolCalls = [] }) => toolCalls)
    expect(deltas.length).toBeGreaterThan(1)
    expect(deltas[0]).toMatchObject({ id: call.id, name: 'get_weather' })
    const messages = answered(call, text)
    const prompt = await engine.applyTemplate(messages, { tools })
    expect(prompt.split('"parameters":')[0]).toBe(
      '<|im_start|>system\nYou can call these functions; each line is one:\n' +
        '{"name":"get_weather","description":"Tells the weather",',
    )
    expect(prompt).toContain('{"name": "NAME", "arguments": {"ARGUMENT": VALUE}}\n</tool_call>')
    expect(prompt.split('<|im_start|>user\nWhat is the weather like?<|im_end|>\n')[1]).toBe(
      `<|im_start|>assistant\nLet me look.\n${oslo}<|im_end|>\n` +
        '<|im_start|>user\nResult of the tool get_weather:\nsunny<|im_end|>\n' +
        '<|im_start|>assistant\n',
    )
    const next = await engine.chat(messages, { tools }).done
    expect(next).toMatchObject({ text: answer, finishReason: 'stop' })
    expect(next.usage.cachedTokens).toBeGreaterThanOrEqual(usage.promptTokens)
  })

  test('is told what docs/tools.md says, and nothing else', async () => {
    const page = readFileSync('docs/tools.md', 'utf8')
    const [, block = ''] = /```\n(You can call these functions[\s\S]*?)\n```/.exec(page) ?? []
    const parameters = { type: 'object', properties: { zone: { type: 'string' } } }
    const shown = { name: 'now', description: 'Tells the time', parameters }
    const engine = await load({ model: randomModel(), toolsFallback })
    const prompt = await engine.applyTemplate(ask, { tools: [shown] })
    const question =
      '<|im_start|>user\nWhat is the weather like?<|im_end|>\n<|im_start|>assistant\n'
    expect(prompt).toBe(`<|im_start|>system\n${block}<|im_end|>\n${question}`)
  })

  test('adds them to the system message that there is', async () => {
    const engine = await load({ model: randomModel(), toolsFallback })
    const system = { role: 'system' as const, content: 'Be brief.' }
    const prompt = await engine.applyTemplate([system, ...ask], { tools })
    expect(prompt).toMatch(/^<\|im_start\|>system\nBe brief\.\n\nYou can call these functions/)
    expect(await engine.applyTemplate([system, ...ask], { tools, toolChoice: 'none' })).toBe(prompt)
  })

  test('adds them to the last of several', async () => {
    const engine = await load({ model: randomModel(), toolsFallback })
    const systems = ['Be brief.', 'Be kind.'].map((content) => {
      return { role: 'system' as const, content }
    })
    const prompt = await engine.applyTemplate([...systems, ...ask], { tools })
    expect(prompt).toMatch(/Be brief\.[\s\S]*Be kind\.\n\nYou can call these functions/)
    expect(prompt.split('You can call these functions')).toHaveLength(2)
  })

  test('reads on from its cache where the last turn may not call', async () => {
    const engine = await load({ model: says(oslo), toolsFallback, context: 8192 })
    const { toolCalls: [call] = [], usage } = await engine.chat(ask, { tools }).done
    if (call === undefined) return expect.fail('nothing was called')
    const last = await engine.chat(answered(call), { tools, toolChoice: 'none' }).done
    expect(last).toMatchObject({ text: answer, finishReason: 'stop' })
    expect(last.usage.cachedTokens).toBeGreaterThanOrEqual(usage.promptTokens)
    // What looks like a call is text then.
    const { text, toolCalls } = await engine.chat(ask, { tools, toolChoice: 'none' }).done
    expect({ text, toolCalls }).toEqual({ text: oslo })
  })

  test.each([
    ['compact, as clients that parse it do', '{"city":"Oslo (NO)","days":3}'],
    ['as an object', { city: 'Oslo (NO)', days: 3 }],
    ['in another order', '{ "days": 3, "city": "Oslo (NO)" }'],
    ['as it came', '{"city": "Oslo (NO)", "days":3}'],
  ])('has all of a call in its cache that comes back %s', async (_, sent) => {
    const json = '{"city": "Oslo (NO)", "days":3}'
    const model = turnModel({
      turns: [
        { mark: 'sunny', reply: `Let me look.\n${written('get_weather', json)}` },
        { mark: 'never said', reply: 'It is as it was there.' },
      ],
      isRead: true,
    })
    const engine = await load({ model, toolsFallback, context: 8192 })
    const { toolCalls: [call] = [], text, usage } = await engine.chat(ask, { tools }).done
    if (call === undefined) return expect.fail('nothing was called')
    expect(call.arguments).toBe(json)
    const messages = answered(call, text)
    messages[1] = { ...messages[1], toolCalls: [{ ...call, arguments: sent }] } as ChatMessage
    expect(await engine.applyTemplate(messages, { tools })).toContain(`"arguments": ${json}}`)
    const next = await engine.chat(messages, { tools }).done
    expect(next).toMatchObject({ text: 'It is as it was there.', finishReason: 'stop' })
    const whole = usage.promptTokens + usage.completionTokens
    expect(next.usage.cachedTokens).toBeGreaterThanOrEqual(whole)
  })

  test('answers in words as if there were no tools, white space in front too', async () => {
    const reply = '\n  It is sunny < here, and {"name": "x"}.'
    const engine = await load({ model: says(reply), toolsFallback, context: 8192 })
    const { text, toolCalls, finishReason } = await engine.chat(ask, { tools }).done
    expect({ text, toolCalls, finishReason }).toEqual({ text: reply, finishReason: 'stop' })
  })

  test('may call several, or one alone', async () => {
    const two = `${oslo}\n${written('get_time', '{}')}`
    const engine = await load({ model: says(two), toolsFallback, context: 8192 })
    const called = async (parallelToolCalls: boolean) => {
      const { toolCalls = [] } = await engine.chat(ask, { tools, parallelToolCalls }).done
      return toolCalls.map(({ name, arguments: json }) => [name, JSON.parse(json)])
    }
    const first = ['get_weather', { city: 'Oslo (NO)' }]
    expect(await called(true)).toEqual([first, ['get_time', {}]])
    expect(await called(false)).toEqual([first])
    const prompt = (parallelToolCalls: boolean) =>
      engine.applyTemplate(ask, { tools, parallelToolCalls })
    expect(await prompt(true)).toContain('For several calls')
    expect(await prompt(false)).not.toContain('For several calls')
  })

  test('fills a form where it does not call', async () => {
    const form = '{"city": "Oslo (NO)", "days": 3}'
    const engine = await load({ model: says(form), toolsFallback, context: 8192 })
    const reply = engine.chat(ask, { tools: [time], schema: parameters })
    expect(await reply.object()).toEqual({ city: 'Oslo (NO)', days: 3 })
    const calls = await load({ model: says(oslo), toolsFallback, context: 8192 })
    const { toolCalls } = await calls.chat(ask, { tools, schema: parameters }).done
    expect(toolCalls).toMatchObject([{ name: 'get_weather' }])
  })

  test.each(['required' as const, { name: 'get_weather' }, { names: ['get_weather'] }])(
    'is kept to a call and to its schema, whatever it would say: %j',
    async (choice) => {
      const engine = await load({ model: randomModel(), toolsFallback })
      const validate = new Ajv2020().compile(parameters)
      const toolChoice =
        typeof choice === 'object' && 'names' in choice
          ? { ...choice, mode: 'required' as const }
          : choice
      for (let seed = 1; seed <= 8; seed++) {
        const options = { tools: [weather], toolChoice, seed, parallelToolCalls: false }
        const { toolCalls, text, finishReason } = await engine.chat(ask, options).done
        expect({ text, finishReason }).toEqual({ text: '', finishReason: 'tool_calls' })
        expect(toolCalls).toHaveLength(1)
        const json = JSON.parse(toolCalls?.[0]?.arguments ?? '')
        expect(validate(json), JSON.stringify(json)).toBe(true)
      }
    },
  )

  test.each([
    ['control', 'as a control token'],
    ['userDefined', 'as any other'],
  ])('calls where each mark is one token of its vocabulary: %s', async (kind) => {
    const calls = ['<tool_call>', '</tool_call>']
    const chatMl = ['<|im_start|>', '<|im_end|>']
    const isControl = kind === 'control'
    const marks = {
      control: isControl ? [...chatMl, ...calls] : chatMl,
      userDefined: isControl ? [] : calls,
      eos: '<|im_end|>',
    }
    const engine = await load({ model: randomModel({ marks }), toolsFallback, parallel: 4 })
    const options = { tools: [weather], toolChoice: 'required' as const, parallelToolCalls: false }
    const written: string[] = []
    const called = async (seed: number) => {
      const reply = engine.chat(ask, { ...options, seed, logprobs: 0 })
      for await (const { logprobs = [] } of reply)
        written.push(...logprobs.map(({ token }) => token))
      return reply.done
    }
    const ended = await Promise.all([1, 2, 3, 4, 5, 6, 7, 8].map(called))
    const validate = new Ajv2020().compile(parameters)
    for (const { toolCalls = [], text, finishReason } of ended) {
      expect({ text, finishReason }).toEqual({ text: '', finishReason: 'tool_calls' })
      expect(toolCalls.map(({ name }) => name)).toEqual(['get_weather'])
      expect(validate(JSON.parse(toolCalls[0]?.arguments ?? ''))).toBe(true)
    }
    expect(written).toEqual(expect.arrayContaining(calls))
  })

  test('goes on with a reply that was begun', async () => {
    const engine = await load({ model: says(`Let me look.\n${oslo}`), toolsFallback })
    const begun = [...ask, { role: 'assistant' as const, content: 'I see:' }]
    const prompt = await engine.applyTemplate(begun, { tools })
    expect(prompt.endsWith('<|im_start|>assistant\nI see:')).toBe(true)
    const { text, toolCalls } = await engine.chat(begun, { tools }).done
    expect({ text, calls: toolCalls?.length }).toEqual({ text: 'Let me look.\n', calls: 1 })
  })
})

describe('a chat template', () => {
  test('that refuses system messages has the tools told by the user', async () => {
    const chatTemplate = templateText('google-gemma-2-2b-it.jinja')
    const engine = await load({ model: randomModel(), chatTemplate, toolsFallback })
    const call = { id: 'a', name: 'get_weather', arguments: '{"city":"Oslo"}' }
    const prompt = await engine.applyTemplate(answered(call), { tools })
    expect(prompt).toMatch(/<start_of_turn>user\nYou can call these functions/)
    expect(prompt).toMatch(/without these lines\.\n+What is the weather like\?<end_of_turn>/)
    expect(prompt).toContain(
      `<start_of_turn>model\n${written('get_weather', '{"city":"Oslo"}')}<end_of_turn>\n` +
        '<start_of_turn>user\nResult of the tool get_weather:\nsunny<end_of_turn>\n',
    )
  })

  test.each([
    'HuggingFaceTB-SmolLM3-3B',
    'deepseek-ai-DeepSeek-R1-Distill-Llama-8B',
    'google-gemma-2-2b-it',
    'ibm-granite-granite-3.3-2B-Instruct',
    'llama-cpp-rwkv-world',
    'microsoft-Phi-3.5-mini-instruct',
  ])('that knows no tools has them told, and calls read: %s', async (name) => {
    const chatTemplate = templateText(`${name}.jinja`)
    const engine = await load({ model: randomModel(), chatTemplate, toolsFallback })
    const call = { id: 'a', name: 'get_weather', arguments: '{"city":"Oslo"}' }
    const messages = [{ role: 'system' as const, content: 'Be brief.' }, ...answered(call)]
    const prompt = await engine.applyTemplate(messages, { tools: [weather] })
    const places = [
      'Be brief.',
      '{"name":"get_weather","description":"Tells the weather"',
      'What is the weather like?',
      written('get_weather', '{"city":"Oslo"}'),
      'Result of the tool get_weather:\nsunny',
    ].map((text) => prompt.indexOf(text))
    expect(places).not.toContain(-1)
    expect(places).toEqual([...places].sort((a, b) => a - b))
    const budget = engine.model.canThink ? { reasoning: { budget: 0 } } : {}
    const options = { tools: [weather], toolChoice: 'required' as const, ...budget, seed: 1 }
    const { toolCalls = [] } = await engine.chat(messages, options).done
    const validate = new Ajv2020().compile(parameters)
    expect(toolCalls.length).toBeGreaterThan(0)
    for (const { arguments: json } of toolCalls) expect(validate(JSON.parse(json))).toBe(true)
  })

  test('that knows reasoning and no tools has both read', async () => {
    const chatTemplate = templateText('Qwen-Qwen3-0.6B.jinja')
      .replace(/\{%- if tools %\}[\s\S]*?\{%- else %\}/, '{%- if true %}')
      .replace(/\{%- if message\.tool_calls %\}[\s\S]*?\{%- endfor %\}\s*\{%- endif %\}/, '')
      .replaceAll('message.role == "tool"', 'false')
    const model = says(`<think>\nShall I?\n</think>\n\n${oslo}`, chatTemplate)
    const off = await load({ model, context: 8192 })
    expect(off.model).toMatchObject({ canCallTools: false, canThink: true })
    const engine = await load({ model, toolsFallback, context: 8192 })
    for (const toolChoice of ['auto', 'required'] as const) {
      const { reasoning, toolCalls, text } = await engine.chat(ask, { tools, toolChoice }).done
      expect(reasoning?.trim()).toBe('Shall I?')
      expect(toolCalls).toMatchObject([{ name: 'get_weather' }])
      expect(text.trim()).toBe('')
    }
    const budget = { reasoning: { budget: 0 }, toolChoice: 'required' as const, tools }
    const { reasoning = '', toolCalls } = await engine.chat(ask, budget).done
    expect(reasoning.trim()).toBe('')
    expect(toolCalls).toHaveLength(1)
  })

  test('that knows tools is as it was', async () => {
    const chatTemplate = templateText('Qwen-Qwen3-0.6B.jinja')
    const [on, off] = await Promise.all(
      [true, false].map((toolsFallback) =>
        load({ model: randomModel(), chatTemplate, toolsFallback }),
      ),
    )
    const call = { id: 'a', name: 'get_weather', arguments: '{"city":"Oslo"}' }
    const prompt = await on?.applyTemplate(answered(call), { tools })
    expect(prompt).toContain('<tool_response>')
    expect(prompt).toBe(await off?.applyTemplate(answered(call), { tools }))
  })
})

test('without the option tools and calls are refused, and the option is named', async () => {
  const engine = await load({ model: randomModel() })
  expect(engine.settings.toolsFallback).toBe(false)
  expect(engine.model.canCallTools).toBe(false)
  expect(() => engine.chat(ask, { tools })).toThrow(/knows no tools.*toolsFallback/)
  const call = { id: 'a', name: 'get_weather', arguments: '{}' }
  expect(() => engine.chat(answered(call))).toThrow(/messages\[1\]\.toolCalls.*toolsFallback/)
})
