import { createOpenAICompatible } from '@ai-sdk/openai-compatible'
import { type AIMessageChunk, HumanMessage } from '@langchain/core/messages'
import { tool as langchainTool } from '@langchain/core/tools'
import { ChatOpenAI } from '@langchain/openai'
import { tool as aiTool, generateText, stepCountIs, streamText } from 'ai'
import OpenAI from 'openai'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import type { NativeRequest } from '../../../src/binding/engine-port.js'
import type { Script } from '../../support/fake-engine.js'
import { closeAfterEach, serve } from '../../support/serve.js'
import { wireCheck } from '../../support/wire/checks.mjs'

// Tools through the clients that people use, unchanged: the model's calls reach the functions, and
// what these return reaches the model. The replies are scripted.

closeAfterEach()

const prompt = 'What is the weather in Paris and in Oslo?'
const description = 'Tells the weather'
const cityOf = z.object({ city: z.string() })

/** Two calls in pieces that split names of arguments and characters' escapes, then an answer. */
function script({ prompt }: NativeRequest): Script {
  if (typeof prompt !== 'object' || !('messages' in prompt)) return { tokens: ['no chat'] }
  const told = prompt.messages.filter(({ role }) => role === 'tool')
  if (told.length > 0) {
    return { tokens: ['It is ', told.map(({ content }) => content).join(', '), '.'] }
  }
  const call = (index: number, more: object) => ({ toolCalls: [{ index, arguments: '', ...more }] })
  return {
    tokens: [
      call(0, { id: 'call_1', name: 'get_weather' }),
      ...['{"ci', 'ty": "Par', 'is"}'].map((piece) => call(0, { arguments: piece })),
      call(1, { id: 'call_2', name: 'get_weather', arguments: '{"city"' }),
      ...[': "Os', 'lo"}'].map((piece) => call(1, { arguments: piece })),
    ],
    end: 'tool_calls',
  }
}

/** What the function was asked, in order. */
function weather() {
  const asked: string[] = []
  const ask = ({ city }: { city: string }) => {
    asked.push(city)
    return `sunny in ${city}`
  }
  return { asked, ask }
}

const answer = 'It is sunny in Paris, sunny in Oslo.'

describe('the official client', () => {
  const body = { model: 'default', messages: [{ role: 'user' as const, content: prompt }] }
  const tools = [
    {
      type: 'function' as const,
      function: {
        name: 'get_weather',
        description,
        parameters: z.toJSONSchema(cityOf) as Record<string, unknown>,
      },
    },
  ]
  const runnable = (ask: (asked: { city: string }) => string) =>
    tools.map((one) => ({
      ...one,
      function: {
        ...one.function,
        function: ask,
        parse: (text: string) => cityOf.parse(JSON.parse(text)),
      },
    }))

  test.each([true, false])('runs tools to an answer, stream: %j', async (stream) => {
    const { url } = await serve({ script })
    const client = new OpenAI({ apiKey: 'any', baseURL: `${url}/v1`, maxRetries: 0 })
    const { asked, ask } = weather()
    const runner = stream
      ? client.chat.completions.runTools({ ...body, tools: runnable(ask), stream: true })
      : client.chat.completions.runTools({ ...body, tools: runnable(ask) })
    expect(await runner.finalContent()).toBe(answer)
    expect(asked).toEqual(['Paris', 'Oslo'])
  })

  describe(wireCheck(15), () => {
    test('each call is announced once, then its arguments come piece by piece', async () => {
      const { url } = await serve({ script })
      const client = new OpenAI({ apiKey: 'any', baseURL: `${url}/v1`, maxRetries: 0 })
      const helper = client.chat.completions.stream({ ...body, tools })
      const done: string[] = []
      helper.on('tool_calls.function.arguments.done', ({ index, name, arguments: all }) => {
        done.push(`${index} ${name} ${all}`)
      })
      const final = await helper.finalChatCompletion()
      expect(done).toEqual(['0 get_weather {"city": "Paris"}', '1 get_weather {"city": "Oslo"}'])
      expect(final.choices[0]?.finish_reason).toBe('tool_calls')
      const whole = await client.chat.completions.create({ ...body, tools })
      expect(whole.choices[0]?.message.tool_calls).toMatchObject([
        { id: 'call_1', type: 'function', function: { arguments: '{"city": "Paris"}' } },
        { id: 'call_2', type: 'function', function: { arguments: '{"city": "Oslo"}' } },
      ])
      expect(whole.choices[0]?.message.content).toBeNull()
    })
  })
})

describe('the AI SDK', () => {
  async function asked(run: (options: Parameters<typeof generateText>[0]) => Promise<string>) {
    const { url } = await serve({ script })
    const provider = createOpenAICompatible({ name: 'sluice', baseURL: `${url}/v1` })
    const { asked, ask } = weather()
    const get_weather = aiTool({ description, inputSchema: cityOf, execute: async (it) => ask(it) })
    const tools = { get_weather }
    const model = provider('default')
    expect(await run({ model, prompt, tools, stopWhen: stepCountIs(3) })).toBe(answer)
    expect(asked).toEqual(['Paris', 'Oslo'])
  }

  test('runs tools to an answer', async () => {
    await asked(async (options) => (await generateText(options)).text)
  })

  test('runs tools to an answer while it streams', async () => {
    await asked(async (options) => {
      const { fullStream } = streamText(options)
      let text = ''
      for await (const part of fullStream) if (part.type === 'text-delta') text += part.text
      return text
    })
  })
})

describe('LangChain', () => {
  async function bound() {
    const { url } = await serve({ script })
    const { asked, ask } = weather()
    const options = { name: 'get_weather', description, schema: cityOf }
    const tool = langchainTool(async (it: { city: string }) => ask(it), options)
    const configuration = { baseURL: `${url}/v1` }
    const plain = new ChatOpenAI({ model: 'default', apiKey: 'any', maxRetries: 0, configuration })
    return { model: plain.bindTools([tool]), tool, asked }
  }

  test('binds tools, calls them and passes on what they answer', async () => {
    const { model, tool, asked } = await bound()
    const first = await model.invoke([new HumanMessage(prompt)])
    expect(first.tool_calls).toMatchObject([
      { id: 'call_1', name: 'get_weather', args: { city: 'Paris' } },
      { id: 'call_2', name: 'get_weather', args: { city: 'Oslo' } },
    ])
    const results = []
    for (const call of first.tool_calls ?? [])
      results.push(await tool.invoke({ ...call, type: 'tool_call' }))
    const last = await model.invoke([new HumanMessage(prompt), first, ...results])
    expect(last.text).toBe(answer)
    expect(asked).toEqual(['Paris', 'Oslo'])
  })

  test('adds up the pieces of streamed calls', async () => {
    const { model } = await bound()
    let whole: AIMessageChunk | undefined
    for await (const chunk of await model.stream(prompt)) whole = whole?.concat(chunk) ?? chunk
    expect(whole?.tool_calls?.map(({ args }) => args)).toEqual([
      { city: 'Paris' },
      { city: 'Oslo' },
    ])
  })
})
