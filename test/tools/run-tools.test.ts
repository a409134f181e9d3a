import { runInNewContext } from 'node:vm'
import { describe, expect, test, vi } from 'vitest'
import { z } from 'zod'
import {
  type ChatMessage,
  type RunnableTool,
  runTools,
  type ToolRunOptions,
} from '../../src/index.js'
import {
  calling,
  partsOf,
  type ScriptedCall,
  saying,
  scriptedRounds,
} from '../support/chats/scripted-rounds.js'
import { settle } from '../support/eventually.js'

// The loop with a scripted engine: what the model is told, and what the program reads.

const ask: ChatMessage[] = [{ role: 'user', content: 'What is the weather like?' }]
const open = scriptedRounds()

describe('a run of tools', () => {
  const weather: RunnableTool = { run: ({ city }) => ({ city, sky: 'clear' }) }

  test('has the model call, runs the calls, tells it and goes on to an answer', async () => {
    const { engine, asked } = await open([
      { ...calling(['get_weather', { city: 'Paris' }]), cachedTokens: 0 },
      { ...saying('It', ' is', ' clear.'), cachedTokens: 5 },
    ])
    const run = runTools(engine, ask, { tools: { get_weather: weather } })
    const parts = await partsOf(run)
    expect(parts.map(({ text }) => text).join('')).toBe('It is clear.')
    expect(parts.map(({ round }) => round)).toEqual([0, 0, 0, 1, 1, 1])
    const result = await run.done
    expect(result).toMatchObject({
      finishReason: 'stop',
      text: 'It is clear.',
      rounds: [
        { finishReason: 'tool_calls', usage: { cachedTokens: 0, completionTokens: 2 } },
        { finishReason: 'stop', usage: { cachedTokens: 5, completionTokens: 3 }, toolResults: [] },
      ],
      usage: { cachedTokens: 5, completionTokens: 5 },
    })
    expect(result.messages).toEqual([
      ...ask,
      {
        role: 'assistant',
        content: '',
        toolCalls: [{ id: 'call_0', name: 'get_weather', arguments: '{"city":"Paris"}' }],
      },
      {
        role: 'tool',
        toolCallId: 'call_0',
        name: 'get_weather',
        content: '{"city":"Paris","sky":"clear"}',
      },
      { role: 'assistant', content: 'It is clear.' },
    ])
    expect(asked()[1]).toEqual([...(asked()[0] ?? []), ...answers(result.messages.slice(1, 3))])
    expect(await run.text()).toBe('It is clear.')
  })

  const answers = (messages: readonly ChatMessage[]) =>
    messages.map(({ role, content }) => `${role}: ${content}`)

  test('streams the calls piece by piece, and what became of each', async () => {
    const { engine } = await open([calling(['get_weather', { city: 'Oslo' }]), saying('Cold.')])
    const parts = await partsOf(runTools(engine, ask, { tools: { get_weather: weather } }))
    expect(parts.slice(0, 3)).toMatchObject([
      { toolCalls: [{ index: 0, id: 'call_0', name: 'get_weather', arguments: '{"c' }] },
      { toolCalls: [{ index: 0, arguments: 'ity":"Oslo"}' }] },
      {
        round: 0,
        text: '',
        tokens: 0,
        toolResult: {
          toolCallId: 'call_0',
          name: 'get_weather',
          arguments: { city: 'Oslo' },
          value: { city: 'Oslo', sky: 'clear' },
          content: '{"city":"Oslo","sky":"clear"}',
          durationMs: expect.any(Number),
        },
      },
    ])
    expect(parts[2]?.toolResult?.error).toBeUndefined()
  })

  test('gives a tool its signal, its call and the conversation', async () => {
    const { engine } = await open([calling(['look', '']), saying('Done.')])
    const seen: unknown[] = []
    const look: RunnableTool = {
      timeoutMs: 60_000,
      run(given, { signal, toolCallId, messages, timeoutMs }) {
        seen.push(
          given,
          signal.aborted,
          toolCallId,
          messages.map(({ role }) => role),
          timeoutMs,
        )
      },
    }
    const { messages } = await runTools(engine, ask, { tools: { look } }).done
    expect(seen).toEqual([{}, false, 'call_0', ['user', 'assistant'], 60_000])
    expect(messages[2]).toMatchObject({ role: 'tool', content: '(no result)' })
  })

  test('runs the calls of one reply at once, and tells them in their order', async () => {
    const calls = [calling(['wait', {}], ['look', {}]), saying('Done.')]
    const { engine } = await open(calls)
    let release = (_: string) => undefined as unknown
    const released = new Promise<string>((resolve) => {
      release = resolve
    })
    const tools = { wait: { run: () => released }, look: { run: () => 'at once' } }
    const run = runTools(engine, ask, { tools })
    const came: string[] = []
    for await (const { toolResult } of run) {
      if (toolResult === undefined) continue
      came.push(toolResult.name)
      release('at last')
    }
    expect(came).toEqual(['look', 'wait'])
    const { rounds, messages } = await run.done
    expect(rounds[0]?.toolResults.map(({ content }) => content)).toEqual(['at last', 'at once'])
    expect(messages.slice(2, 4).map(({ toolCallId }) => toolCallId)).toEqual(['call_0', 'call_1'])
  })

  test.each([
    [1, 1],
    [2, 2],
    [undefined, 4],
  ])('with toolConcurrency %j runs %d calls at a time', async (toolConcurrency, most) => {
    const calls = Array.from({ length: 4 }, (_, i): ScriptedCall => ['count', { i }])
    const { engine } = await open([calling(...calls), saying('Done.')])
    const begun: number[] = []
    const at = { once: 0, most: 0 }
    const count: RunnableTool = {
      async run({ i }) {
        begun.push(i)
        at.most = Math.max(at.most, ++at.once)
        await settle(3)
        at.once--
      },
    }
    const limit = toolConcurrency === undefined ? {} : { toolConcurrency }
    await runTools(engine, ask, { tools: { count }, ...limit }).done
    expect({ begun, most: at.most }).toEqual({ begun: [0, 1, 2, 3], most })
  })

  test('ends at maxRounds: its result says so, and text() rejects', async () => {
    const { engine, asked } = await open([calling(['get_weather', { city: 'Rome' }])])
    const tools = { get_weather: weather }
    const run = runTools(engine, ask, { tools, maxRounds: 3 })
    await expect(run.text()).rejects.toMatchObject({
      name: 'MaxRoundsError',
      code: 'ERR_MAX_ROUNDS',
      message: expect.stringContaining('within 3 replies (maxRounds)'),
    })
    const { finishReason, rounds, messages } = await run.done
    expect({ finishReason, rounds: rounds.length }).toEqual({
      finishReason: 'max_rounds',
      rounds: 3,
    })
    expect(messages.at(-1)).toMatchObject({ role: 'tool' })
    expect(asked()).toHaveLength(3)
    await runTools(engine, messages, { tools, maxRounds: 1 }).done
    expect(asked().at(-1)).toHaveLength(messages.length)
  })

  test('has 10 rounds where nothing else is said', async () => {
    const { engine, asked } = await open([calling(['get_weather', { city: 'Rome' }])])
    await runTools(engine, ask, { tools: { get_weather: weather } }).done
    expect(asked()).toHaveLength(10)
  })

  test('ends where a tool without run is called, after the others have answered', async () => {
    const { engine } = await open([calling(['get_weather', { city: 'Bonn' }], ['confirm', {}])])
    const tools = { get_weather: weather, confirm: { description: 'Asks the user' } }
    const { finishReason, rounds, messages } = await runTools(engine, ask, { tools }).done
    expect(finishReason).toBe('tool_calls')
    expect(rounds[0]?.toolResults.map(({ name }) => name)).toEqual(['get_weather'])
    expect(rounds[0]?.toolCalls?.map(({ name }) => name)).toEqual(['get_weather', 'confirm'])
    expect(messages.at(-1)).toMatchObject({ role: 'tool', toolCallId: 'call_0' })
  })

  test('does not run calls of a reply that was cut', async () => {
    const cut = { ...calling(['get_weather', '{"city": "Pa']), end: 'length' as const }
    const { engine } = await open([cut])
    const result = await runTools(engine, ask, { tools: { get_weather: weather } }).done
    expect(result).toMatchObject({ finishReason: 'length', rounds: [{ toolResults: [] }] })
  })

  test('goes on with a message that the assistant has begun', async () => {
    const { engine } = await open([saying(' is', ' clear.')])
    const begun: ChatMessage[] = [...ask, { role: 'assistant', content: 'It' }]
    const run = runTools(engine, begun, { tools: {}, continueFinal: true })
    const { messages, text } = await run.done
    expect(text).toBe(' is clear.')
    expect(messages).toEqual([...ask, { role: 'assistant', content: 'It is clear.' }])
  })

  test('goes on with messages in OpenAI’s words, which it has in ours then', async () => {
    const { engine, asked } = await open([calling(['look', {}]), saying('Done.')])
    const given = [
      { role: 'user' as const, content: [{ type: 'text', text: 'Look' }] },
      {
        role: 'assistant' as const,
        content: null,
        tool_calls: [{ id: 'x', type: 'function', function: { name: 'look', arguments: '{}' } }],
      },
      { role: 'tool' as const, tool_call_id: 'x', content: 'nothing' },
    ]
    const { messages } = await runTools(engine, given, { tools: { look: { run: () => 1 } } }).done
    expect(messages.slice(0, 3)).toEqual([
      { role: 'user', content: 'Look' },
      { role: 'assistant', content: '', toolCalls: [{ id: 'x', name: 'look', arguments: '{}' }] },
      { role: 'tool', toolCallId: 'x', content: 'nothing' },
    ])
    expect(asked()[1]?.slice(0, 3)).toEqual(asked()[0])
  })

  test('drops the oldest turns where results outgrow the context and fit is set', async () => {
    const { engine, asked } = await open([calling(['look', {}]), saying('Done.')])
    const old = [
      { role: 'user' as const, content: 'o'.repeat(900) },
      { role: 'assistant' as const, content: 'old' },
    ]
    const tools = { look: { run: () => 'r'.repeat(900) } }
    const { rounds, messages } = await runTools(engine, [...old, ...ask], { tools, fit: true }).done
    expect(rounds.map(({ dropped }) => dropped)).toEqual([[], [0, 1]])
    expect(asked()[1]?.[0]).toBe('user: What is the weather like?')
    expect(messages).toHaveLength(6) // all of them: what is dropped is not forgotten
  })

  test('fills a form in its last reply', async () => {
    const { engine, addon } = await open([calling(['look', {}]), saying('{"a"', ': "7"}')])
    const object = z.object({ a: z.coerce.number() })
    let read = 0
    const input = () => {
      read++
      return z.toJSONSchema(object, { io: 'input' })
    }
    const standard = { ...object['~standard'], jsonSchema: { input } }
    const schema = { '~standard': standard } as unknown as typeof object
    const run = runTools(engine, ask, { tools: { look: { run: () => 1 } }, schema })
    const { a }: { a: number } = await run.object()
    expect(a).toBe(7)
    expect(read).toBe(1) // however many replies
    expect(addon.engine.submitted.every(({ grammarIsSchema }) => grammarIsSchema)).toBe(true)
  })

  test('streams its text as bytes', async () => {
    const { engine } = await open([
      { tokens: ['I look. ', ...calling(['look', {}]).tokens], end: 'tool_calls' },
      saying('It is ', 'é.'),
    ])
    const run = runTools(engine, ask, { tools: { look: { run: () => 1 } } })
    expect(await new Response(run.toTextStream()).text()).toBe('I look. It is é.')
  })

  test('keeps reasoning in the conversation', async () => {
    const thinking = { tokens: [{ reasoning: 'Hm.' }, ...calling(['look', {}]).tokens] }
    const { engine } = await open([{ ...thinking, end: 'tool_calls' }, saying('Done.')])
    const { messages } = await runTools(engine, ask, { tools: { look: { run: () => 1 } } }).done
    expect(messages[1]).toMatchObject({ role: 'assistant', reasoning: 'Hm.' })
    expect(messages[2]).toMatchObject({ role: 'tool', content: '1' })
  })

  test.each<[ToolRunOptions['toolChoice'], object, object]>([
    ['required', { toolChoice: 'required', isCallable: [true, true] }, { toolChoice: 'auto' }],
    ['none', { toolChoice: 'none' }, { toolChoice: 'none' }],
    [{ name: 'a' }, { toolChoice: 'required', isCallable: [true, false] }, { toolChoice: 'auto' }],
    [
      { names: ['b'], mode: 'required' },
      { toolChoice: 'required', isCallable: [false, true] },
      { toolChoice: 'auto', isCallable: [false, true] },
    ],
  ])('takes toolChoice %j for the first reply only', async (toolChoice, first, later) => {
    const { engine, chats } = await open([calling(['a', {}]), saying('Done.')])
    const tools = { a: { run: () => 1 }, b: { run: () => 2 } }
    await runTools(engine, ask, { tools, toolChoice: toolChoice ?? 'auto' }).done
    const asked = chats().map(({ toolChoice, tools }) => {
      return { toolChoice, isCallable: tools.map((tool) => tool.isCallable) }
    })
    expect(asked).toMatchObject([first, later])
    expect(chats().map(({ tools }) => tools.length)).toEqual([2, 2])
  })
})

describe('what goes wrong with a call', () => {
  const told = async (
    call: ScriptedCall,
    tools: Record<string, RunnableTool>,
    more: object = {},
  ) => {
    const { engine, asked } = await open([calling(call), saying('I see.')])
    const run = runTools(engine, ask, { tools, ...more })
    const [result] = (await partsOf(run)).flatMap(({ toolResult }) => toolResult ?? [])
    expect((await run.done).text).toBe('I see.')
    expect(asked()[1]?.at(-1)).toBe(`tool: ${result?.content}`)
    expect(result?.value).toBeUndefined()
    const { code, reason, cause } = result?.error ?? {}
    expect(code).toBe('ERR_TOOL_FAILED')
    return { content: result?.content, reason, cause, given: result?.arguments }
  }
  const thrown = new Error('no such city')
  const weather: RunnableTool = {
    parameters: z.object({ city: z.string(), days: z.coerce.number().optional() }),
    run() {
      throw thrown
    },
  }

  test('an error of the tool is told to the model and to the program', async () => {
    expect(await told(['get_weather', { city: 'X' }], { get_weather: weather })).toEqual({
      content: 'Error: no such city',
      reason: 'failed',
      cause: thrown,
      given: { city: 'X' },
    })
  })

  test.each<[string, () => unknown, string]>([
    ['a rejection', () => Promise.reject(new TypeError('no net')), 'Error: no net'],
    ['a text', () => Promise.reject('out of cheese'), 'Error: out of cheese'],
    ['undefined', () => Promise.reject(), 'Error: nothing'],
    ['an error without words', () => Promise.reject(new RangeError()), 'Error: RangeError'],
    [
      'an error of another realm',
      () => runInNewContext("throw new Error('x'.repeat(300))"),
      `Error: ${'x'.repeat(300)}`,
    ],
  ])('of %s the model is told %s', async (_, run, content) => {
    expect(await told(['a', {}], { a: { run } })).toMatchObject({ content, reason: 'failed' })
  })

  test('arguments whose validation throws are refused, and the tool is not asked', async () => {
    const parameters = z.object({ a: z.number() }).superRefine(() => {
      throw new Error('boom')
    })
    const { content, reason } = await told(['a', { a: 1 }], { a: { parameters, run: vi.fn() } })
    expect(reason).toBe('invalid-arguments')
    expect(content).toContain("an error of its schema's validation (boom)")
  })

  test('a tool that takes too long is told of, and its signal says so', async () => {
    let signal: AbortSignal | undefined
    const slow: RunnableTool = {
      run: (_, context) => {
        signal = context.signal
        return new Promise(() => undefined)
      },
    }
    const { content, reason } = await told(['slow', {}], { slow }, { timeoutMs: 20 })
    expect({ content, reason }).toEqual({
      content: 'Error: slow took longer than 20 ms',
      reason: 'timeout',
    })
    expect(signal?.reason).toMatchObject({ name: 'TimeoutError' })
  })

  test('a tool’s own timeoutMs comes before the run’s', async () => {
    const run = () => new Promise(() => undefined)
    const slow: RunnableTool = { timeoutMs: 10, run }
    const { content } = await told(['slow', {}], { slow }, { timeoutMs: 600_000 })
    expect(content).toBe('Error: slow took longer than 10 ms')
  })

  test.each([
    ['{"city": ', /^Error: the arguments of get_weather are not what it takes: expected JSON \(/],
    ['[1]', /expected an object, but got an array of 1$/],
    ['{}', /: city: Invalid input: expected string, received undefined$/],
    ['{"city": "X", "days": "many"}', /: days: Invalid input: expected number, received NaN$/],
  ])('arguments %s are refused without running the tool', async (text, words) => {
    const answer = await told(['get_weather', text], { get_weather: weather })
    expect(answer).toMatchObject({ reason: 'invalid-arguments', given: undefined })
    expect(answer.content).toMatch(words)
  })

  test('a name that no tool has is told with the names that there are', async () => {
    const tools = { get_weather: weather, 'read file': weather }
    expect(await told(['constructor', {}], tools)).toMatchObject({
      content: 'Error: there is no tool "constructor"; there are: get_weather, read file',
      reason: 'unknown-tool',
    })
  })

  test.each<[string, () => unknown, RegExp]>([
    ['a function', () => () => 1, /^Error: the result of a cannot be read: .*got a function$/],
    ['a Map within', () => ({ b: [new Map()] }), /class Map at \.b\[0\]$/],
    ['a Response', () => new Response('x'), /expected JSON, but got an object of class Response$/],
    ['what holds itself', () => circle(), /an object that holds itself at \.self$/],
    ['objects one by one', objects, /expected chunks of text, but got an object$/],
  ])('%s is no result', async (_, run, words) => {
    const { content, reason } = await told(['a', {}], { a: { run } })
    expect(reason).toBe('invalid-result')
    expect(content).toMatch(words)
  })

  function circle() {
    const one: { self?: object } = {}
    one.self = one
    return one
  }
  async function* objects() {
    yield { text: 'x' }
  }
})

describe('what a tool returns', () => {
  async function* chunks() {
    yield 'a'
    yield new Uint8Array([0xc3])
    yield new Uint8Array([0xa9])
  }
  const image = { type: 'image', data: 'aGk=', mimeType: 'image/png' }
  const texts: [string, unknown, string][] = [
    ['a text', 'as it is\n', 'as it is\n'],
    ['an empty text', '', ''],
    ['nothing', undefined, '(no result)'],
    ['null', null, 'null'],
    ['a number', 4.5, '4.5'],
    [
      'an object',
      { a: [1, 'é'], at: new Date(0), b: undefined },
      '{"a":[1,"é"],"at":"1970-01-01T00:00:00.000Z"}',
    ],
    ['an array', [{ content: 'x' }], '[{"content":"x"}]'],
    ['chunks', chunks(), 'aé'],
    [
      'MCP texts',
      {
        content: [
          { type: 'text', text: 'a' },
          { type: 'text', text: 'b' },
        ],
      },
      'a\nb',
    ],
    [
      'an MCP image',
      { content: [image] },
      '[left out, as only text can be read here: image, image/png]',
    ],
    ['no MCP content', { content: [], isError: false }, '(no result)'],
    ['an empty page of its own', { content: [] }, '{"content":[]}'],
    [
      'content of its own',
      { content: [{ type: 'article', title: 'Foxes' }] },
      '{"content":[{"type":"article","title":"Foxes"}]}',
    ],
    [
      'what is like MCP’s',
      { content: [image], id: 1 },
      JSON.stringify({ content: [image], id: 1 }),
    ],
  ]

  test.each(texts)('%s is told as text', async (_, value, content) => {
    const { engine } = await open([calling(['a', {}]), saying('Done.')])
    const { rounds } = await runTools(engine, ask, { tools: { a: { run: () => value } } }).done
    expect(rounds[0]?.toolResults[0]?.error).toBeUndefined()
    expect(rounds[0]?.toolResults[0]?.content).toBe(content)
  })

  test('is asked for by inputSchema as well', async () => {
    const { engine, chats } = await open([calling(['a', {}]), saying('Done.')])
    const inputSchema = { type: 'object', properties: { b: { type: 'string' } } }
    const tools = { a: { inputSchema, run: () => 1 } }
    await runTools(engine, ask, { tools }).done
    expect(JSON.parse(chats()[0]?.tools[0]?.parameters ?? '')).toEqual(inputSchema)
  })

  test('is read by the parameters’ own types, once they are checked', async () => {
    const { engine, chats } = await open([calling(['add', { a: '2', b: 3 }]), saying('Five.')])
    const parameters = z.object({ a: z.coerce.number(), b: z.number(), c: z.number().default(7) })
    const run = runTools(engine, ask, {
      tools: {
        add: {
          parameters,
          run: ({ a, b, c }) => {
            const sum: number = a + b + c // typed by zod
            return sum
          },
        },
      },
    })
    expect((await run.done).messages[2]?.content).toBe('12')
    expect(JSON.parse(chats()[0]?.tools[0]?.parameters ?? '')).toMatchObject({
      properties: { b: { type: 'number' } },
    })
  })
})
