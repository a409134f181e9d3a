import OpenAI from 'openai'
import { describe, expect, test } from 'vitest'
import type { ErrorBody } from '../../../src/apis/openai/errors.js'
import type { NativeChat, NativeRequest } from '../../../src/binding/engine-port.js'
import type { FakePart, Script } from '../../support/fake-engine.js'
import { chat, closeAfterEach, serve, story } from '../../support/serve.js'
import { chunksOf } from '../../support/sse.js'
import { wireCheck } from '../../support/wire/checks.mjs'

// Tools and thoughts, over the fake.

closeAfterEach()

const weather = {
  type: 'function' as const,
  function: {
    name: 'get_weather',
    description: 'Tells the weather',
    parameters: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] },
  },
}

const calls: FakePart[] = [
  { reasoning: 'I must' },
  { reasoning: ' look.' },
  { text: 'Let me see.' },
  { toolCalls: [{ index: 0, id: 'call_a', name: 'get_weather', arguments: '{"ci' }] },
  ...['ty"', ':"', 'Par', 'is"', '}'].map((piece) => ({
    toolCalls: [{ index: 0, arguments: piece }],
  })),
  { toolCalls: [{ index: 1, id: 'call_b', name: 'get_weather', arguments: '{"city":"Rome"}' }] },
]

const calling = (): Script => ({ tokens: calls, end: 'tool_calls' })

function conversation({ prompt }: NativeRequest): NativeChat {
  if (typeof prompt === 'object' && 'messages' in prompt) return prompt
  throw new Error('the prompt is no conversation')
}

describe(wireCheck(15), () => {
  test('a tool delta has its index, and once id, type and name, then arguments', async () => {
    const { url, native } = await serve({ script: calling, pace: 'manual' })
    const asked = chat(url, story({ tools: [weather] }))
    const stepping = setInterval(() => native.step(), 5)
    const text = await (await asked).text()
    clearInterval(stepping)
    const deltas = chunksOf(text).flatMap(({ choices }) => choices.map(({ delta }) => delta))
    const toolDeltas = deltas.flatMap((delta) => (delta as Delta).tool_calls ?? [])
    expect(toolDeltas.every(({ index }) => index === 0 || index === 1)).toBe(true)
    const named = toolDeltas.filter(({ id }) => id !== undefined)
    expect(named.map(({ id, type, function: { name } }) => [id, type, name])).toEqual([
      ['call_a', 'function', 'get_weather'],
      ['call_b', 'function', 'get_weather'],
    ])
    const others = toolDeltas.filter(({ id }) => id === undefined)
    expect(others.length).toBeGreaterThan(0)
    for (const { index, ...more } of others) {
      expect(index).toBe(0)
      expect(more).toEqual({ function: { arguments: expect.any(String) } })
    }
    const joined = (at: number) =>
      toolDeltas
        .filter(({ index }) => index === at)
        .map((one) => one.function.arguments)
        .join('')
    expect([joined(0), joined(1)]).toEqual(['{"city":"Paris"}', '{"city":"Rome"}'])
    const reasoning = deltas.map((delta) => (delta as Delta).reasoning_content ?? '').join('')
    expect(reasoning).toBe('I must look.')
    const reasons = chunksOf(text).flatMap(({ choices }) => choices.map((one) => one.finish_reason))
    expect(reasons.filter(Boolean)).toEqual(['tool_calls'])
  })
})

interface Delta {
  reasoning_content?: string
  tool_calls?: {
    index: number
    id?: string
    type?: string
    function: { name?: string; arguments: string }
  }[]
}

test('a body has the whole calls, the thoughts, and what was said', async () => {
  const { url } = await serve({ script: calling })
  const body = await (await chat(url, story({ tools: [weather], stream: false }))).json()
  const called = (id: string, city: string) => ({
    id,
    type: 'function',
    function: { name: 'get_weather', arguments: `{"city":"${city}"}` },
  })
  expect(body).toMatchObject({
    choices: [
      {
        message: {
          content: 'Let me see.',
          reasoning_content: 'I must look.',
          tool_calls: [called('call_a', 'Paris'), called('call_b', 'Rome')],
        },
        finish_reason: 'tool_calls',
      },
    ],
  })
})

test('a reply of calls alone has null for content', async () => {
  const script = (): Script => ({ tokens: calls.slice(3), end: 'tool_calls' })
  const { url } = await serve({ script })
  const body = await (await chat(url, story({ tools: [weather], stream: false }))).json()
  expect(body).toMatchObject({ choices: [{ message: { content: null } }] })
})

test.each([
  [{ properties: { a: { type: 'wizard' } } }, true, 'parameters.properties.a.type'],
  [{ properties: { a: { uniqueItems: true } } }, true, 'parameters.properties.a.uniqueItems'],
])('a schema %j of a tool is refused by its path', async (parameters, strict, path) => {
  const { url } = await serve()
  const tool = { type: 'function', function: { name: 'run', parameters, strict } }
  const response = await chat(url, story({ tools: [tool] }))
  expect(response.status).toBe(400)
  const param = `tools[0].function.${path}`
  expect(await response.json()).toMatchObject({ error: { code: 'invalid_schema', param } })
})

test.each([
  [{ tools: [weather] }, 'tools'],
  [
    {
      messages: [
        { role: 'user', content: 'Hi' },
        {
          role: 'assistant',
          tool_calls: [{ id: 'a', type: 'function', function: { name: 'x', arguments: '{}' } }],
        },
        { role: 'tool', content: 'done', tool_call_id: 'a' },
      ],
    },
    'messages[1].tool_calls',
  ],
])('a template without tools refuses them: %#', async (body, param) => {
  const { url } = await serve({ model: { callFormat: 'none' } })
  const response = await chat(url, story(body))
  expect(response.status).toBe(400)
  const error = { param, message: expect.stringContaining('(chatTemplate)') }
  expect(await response.json()).toMatchObject({ error })
})

test('the fields of a request about tools and thoughts reach the template', async () => {
  const { url, native } = await serve()
  const call = { id: 'call_a', type: 'function', function: { name: 'run', arguments: '{}' } }
  const messages = [
    { role: 'user', content: 'Hi', name: 'Mia' },
    { role: 'assistant', content: null, tool_calls: [call], reasoning_content: 'Hm.' },
    { role: 'tool', content: [{ type: 'text', text: 'done' }], tool_call_id: 'call_a' },
  ]
  const run = { type: 'function', function: { name: 'run' } }
  await chat(
    url,
    story({
      messages,
      tools: [weather, run],
      tool_choice: { type: 'function', function: { name: 'run' } },
      parallel_tool_calls: false,
      reasoning_effort: 'high',
    }),
  )
  expect(conversation(native.submitted[0] as NativeRequest)).toEqual({
    messages: [
      { role: 'user', content: 'Hi', reasoning: '', name: '', toolCallId: '', toolCalls: [] },
      {
        role: 'assistant',
        content: '',
        reasoning: 'Hm.',
        name: '',
        toolCallId: '',
        toolCalls: [{ id: 'call_a', name: 'run', arguments: '{}' }],
      },
      {
        role: 'tool',
        content: 'done',
        reasoning: '',
        name: '',
        toolCallId: 'call_a',
        toolCalls: [],
      },
    ],
    tools: [
      {
        place: 'tools[1]',
        isCallable: true,
        name: 'run',
        description: '',
        parameters: '{}',
        rules: expect.any(String),
        root: expect.any(String),
        properties: [],
      },
    ],
    toolChoice: 'required',
    parallelToolCalls: false,
    wantsReasoning: true,
    reasoningEffort: 'high',
    arguments: [],
    reasoningBudget: -1,
    reasoningBudgetMessage: '',
    continues: false,
  })
})

test('the effort none asks not to think, and a last assistant message is continued', async () => {
  const { url, native } = await serve()
  const messages = [
    { role: 'user', content: 'Hi' },
    { role: 'assistant', content: 'Once' },
  ]
  await chat(url, story({ messages, reasoning_effort: 'none' }))
  await chat(url, story({ messages, continue_final_message: false }))
  await chat(url, story({ chat_template_kwargs: { enable_thinking: false } }))
  const [first, second, third] = native.submitted.map(conversation)
  expect(first).toMatchObject({ wantsReasoning: false, continues: true, reasoningEffort: '' })
  expect(second).toMatchObject({ wantsReasoning: true, continues: false })
  expect(third).toMatchObject({ wantsReasoning: false, continues: false })
})

const user = { role: 'user', content: 'hi' }
const assistant = (more: object) => ({ role: 'assistant', content: 'x', ...more })
const named = (name: string) => ({ type: 'function', function: { name } })
const wrong: [body: object, param: string][] = [
  [{ tools: [{}] }, 'tools[0].type'],
  [{ tools: [{ type: 'function' }] }, 'tools[0].function'],
  [{ tools: [{ type: 7, function: { name: 'a' } }] }, 'tools[0].type'],
  [{ tools: [named(' ')] }, 'tools[0].function.name'],
  [{ tools: [{ type: 'web_search' }, { name: '' }] }, 'tools[1].name'],
  [{ tools: Array(1025).fill(named('a')) }, 'tools'],
  [{ tool_choice: 'required' }, 'tool_choice'],
  [{ tool_choice: 'any' }, 'tool_choice'],
  [{ tools: [named('a')], tool_choice: { type: 'allowed_tools' } }, 'tool_choice'],
  [{ tools: [named('a')], tool_choice: 'b' }, 'tool_choice'],
  [{ tools: [named('a')], tool_choice: named('b') }, 'tool_choice'],
  [{ parallel_tool_calls: 'no' }, 'parallel_tool_calls'],
  [{ reasoning_effort: 7 }, 'reasoning_effort'],
  [{ chat_template_kwargs: { messages: [] } }, 'chat_template_kwargs.messages'],
  [{ messages: [{ ...user, tool_calls: [{}] }] }, 'messages[0].tool_calls'],
  [{ messages: [assistant({ tool_calls: [{ id: 1 }] }), user] }, 'messages[0].tool_calls[0].id'],
  [{ messages: [user], continue_final_message: true }, 'messages[0].role'],
]

test.each(wrong)('%j is refused at %s', async (body, param) => {
  const { url } = await serve()
  const response = await chat(url, story(body))
  expect(response.status).toBe(400)
  const { error } = (await response.json()) as { error: { param: string } }
  expect(error.param.startsWith(param)).toBe(true)
})

test('the official client’s tool runner calls the function and comes to an end', async () => {
  const script = (request: NativeRequest): Script => {
    const answered = conversation(request).messages.some(({ role }) => role === 'tool')
    if (answered) return { tokens: ['It', ' rains.'] }
    return { tokens: calls.slice(3, -1), end: 'tool_calls' }
  }
  const { url, native } = await serve({ script })
  const client = new OpenAI({ apiKey: 'none', baseURL: `${url}/v1`, maxRetries: 0 })
  const asked: unknown[] = []
  const runner = client.chat.completions.runTools({
    model: 'default',
    stream: true,
    messages: [{ role: 'user', content: 'And in Paris?' }],
    tools: [
      {
        type: 'function',
        function: {
          ...weather.function,
          parse: JSON.parse,
          function: (given: object) => {
            asked.push(given)
            return 'rain'
          },
        },
      },
    ],
  })
  expect(await runner.finalContent()).toBe('It rains.')
  expect(asked).toEqual([{ city: 'Paris' }])
  const second = conversation(native.submitted[1] as NativeRequest).messages
  expect(second.at(-1)).toMatchObject({ role: 'tool', content: 'rain', toolCallId: 'call_a' })
})

test('schemas that are too large together are refused by the name of the tools', async () => {
  const refuse = { code: 'ERR_INVALID_SCHEMA', message: 'the schema is too large' } as const
  const { url } = await serve({ script: () => ({ tokens: [], refuse }) })
  const response = await chat(url, story({ tools: [weather] }))
  expect(response.status).toBe(400)
  expect(await response.json()).toMatchObject({ error: { code: 'invalid_schema', param: 'tools' } })
})

test('a wrong tool is blamed before a wrong form', async () => {
  const { url } = await serve()
  const parameters = { type: 'object', properties: { a: { type: 'no-such-type' } } }
  const tools = [{ type: 'function', function: { name: 'run', parameters, strict: true } }]
  const schema = { type: 'no-such-type' }
  const response_format = { type: 'json_schema', json_schema: { name: 'x', schema } }
  for (const [field, more] of [
    [/^tools\[0\]/, { tools, response_format }],
    [/^response_format/, { response_format }],
  ] as const) {
    const response = await chat(url, story(more))
    expect(response.status).toBe(400)
    const { error } = (await response.json()) as ErrorBody
    expect(error.param).toMatch(field)
  }
})
