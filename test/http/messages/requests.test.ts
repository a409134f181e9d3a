import { describe, expect, test } from 'vitest'
import type { NativeChat, NativeRequest } from '../../../src/binding/engine-port.js'
import { closeAfterEach, serve } from '../../support/serve.js'
import { askMessages, messagesPath, tale, version } from '../../support/wire/anthropic/messages.js'
import { wireCheck } from '../../support/wire/checks.mjs'

// What a request to /v1/messages becomes, over the fake.

closeAfterEach()

const weather = {
  name: 'get_weather',
  description: 'Tells the weather',
  input_schema: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] },
  cache_control: { type: 'ephemeral' },
}
const clock = { ...weather, name: 'get_time', type: 'custom' }

function chatOf({ prompt }: NativeRequest): NativeChat {
  if (typeof prompt === 'object' && 'messages' in prompt) return prompt
  throw new Error('the prompt is no conversation')
}

async function asked(more: object, model: object = {}) {
  const { url, native } = await serve({ model })
  const response = await askMessages(url, tale({ stream: false, ...more }))
  expect([response.status, await response.json()]).toMatchObject([200, { type: 'message' }])
  const [request] = native.submitted
  if (request === undefined) throw new Error('nothing was asked')
  return { request, chat: chatOf(request), notes: response.headers.get('x-sluice-notes') ?? '' }
}

test('what says how to generate reaches the engine', async () => {
  const { request } = await asked({
    max_tokens: 7,
    temperature: 0.5,
    top_p: 0.9,
    top_k: 40,
    stop_sequences: ['END', 'STOP'],
    seed: 11,
  })
  expect(request).toMatchObject({
    maxTokens: 7,
    temperature: 0.5,
    topP: 0.9,
    topK: 40,
    stop: ['END', 'STOP'],
    seed: 11,
  })
})

test('max_tokens of 0 computes the prompt and says nothing', async () => {
  expect((await asked({ max_tokens: 0 })).request.maxTokens).toBe(0)
})

describe('tools', () => {
  const tools = [weather, clock]

  test.each([
    [undefined, { toolChoice: 'auto', parallelToolCalls: true }, 2],
    [{ type: 'auto' }, { toolChoice: 'auto', parallelToolCalls: true }, 2],
    [
      { type: 'auto', disable_parallel_tool_use: true },
      { toolChoice: 'auto', parallelToolCalls: false },
      2,
    ],
    [{ type: 'any' }, { toolChoice: 'required' }, 2],
    [{ type: 'none' }, { toolChoice: 'none' }, 2],
    [{ type: 'tool', name: 'get_time' }, { toolChoice: 'required' }, 1],
    [
      { type: 'tool', name: 'get_time', disable_parallel_tool_use: true },
      { toolChoice: 'required', parallelToolCalls: false },
      1,
    ],
  ])('with the choice %j', async (tool_choice, expected, count) => {
    const { chat } = await asked({ tools, tool_choice })
    expect(chat).toMatchObject(expected)
    expect(chat.tools).toHaveLength(count)
  })

  test('a named tool is the only one that is left', async () => {
    const { chat } = await asked({ tools, tool_choice: { type: 'tool', name: 'get_time' } })
    expect(chat.tools.map(({ name }) => name)).toEqual(['get_time'])
  })

  test('that run elsewhere are left out, which a header says', async () => {
    const elsewhere = [
      { type: 'web_search_20250305', name: 'web_search', max_uses: 5 },
      { type: 'bash_20250124', name: 'bash' },
      { type: 'advisor_20260301', name: 'advisor', model: 'x' },
    ]
    const { chat, notes } = await asked({ tools: [...elsewhere, weather] })
    expect(chat.tools.map(({ name }) => name)).toEqual(['get_weather'])
    expect(notes).toContain('tools[0].type: expected a tool with an input_schema')
    expect(notes).toContain('"advisor_20260301"; taken as: left out')
  })

  test('with a pattern that no grammar keeps to are taken', async () => {
    const input_schema = {
      type: 'object',
      properties: { a: { type: 'string', pattern: '(?<!a)b' } },
    }
    expect((await asked({ tools: [{ ...clock, input_schema }] })).chat.tools).toHaveLength(1)
  })

  test('with a malformed schema are taken, and its place is told', async () => {
    const input_schema = { type: 'object', required: null }
    const { chat, notes } = await asked({ tools: [weather, { ...clock, input_schema }] })
    expect(chat.tools).toHaveLength(2)
    expect(notes).toMatch(/^tools\[1\]\.input_schema\.required: expected/)
  })
})

describe('thinking', () => {
  const thinks = { reasoningEnds: ['</think>'] }

  test.each([
    [undefined, { wantsReasoning: true, reasoningBudget: -1 }],
    [
      { type: 'adaptive', display: 'omitted' },
      { wantsReasoning: true, reasoningBudget: -1 },
    ],
    [
      { type: 'enabled', budget_tokens: 2048 },
      { wantsReasoning: true, reasoningBudget: 2048 },
    ],
    [{ type: 'disabled' }, { wantsReasoning: false }],
    [{ type: 'between_tools' }, { wantsReasoning: false }],
  ])('of %j', async (thinking, expected) => {
    expect((await asked({ thinking }, thinks)).chat).toMatchObject(expected)
  })

  test('has no budget where the model does not think, which a header says', async () => {
    const { chat, notes } = await asked({ thinking: { type: 'enabled', budget_tokens: 2048 } })
    expect(chat.reasoningBudget).toBe(-1)
    expect(notes).toContain('thinking.budget_tokens: the model has no marks of reasoning')
  })

  test.each([
    ['low', 'low'],
    ['high', 'high'],
    ['xhigh', 'high'],
    ['max', 'high'],
    ['constructor', 'constructor'],
    [null, ''],
  ])('with the effort %j is told %j', async (effort, expected) => {
    const { chat } = await asked({ output_config: { effort } })
    expect(chat.reasoningEffort).toBe(expected)
  })
})

test('a format is a grammar', async () => {
  const schema = { type: 'object', properties: { age: { type: 'integer' } }, required: ['age'] }
  const { request } = await asked({ output_config: { format: { type: 'json_schema', schema } } })
  expect(request.grammar).toContain('age')
})

describe('what is not known or has no effect here', () => {
  test('is taken, and what is unknown is told of', async () => {
    const { notes } = await asked({
      metadata: { user_id: 'u' },
      service_tier: 'auto',
      cache_control: { type: 'ephemeral' },
      context_management: { edits: [{ type: 'clear_thinking_20251015', keep: 'all' }] },
      workspace_id: 'w',
      betas: ['x'],
      output_format: null,
      system: null,
      temperature: null,
      thinking: null,
      tools: null,
      tool_choice: null,
      stop_sequences: null,
      future_field: { a: 1 },
    })
    expect(notes).toBe('future_field: unknown, so it had no effect')
  })

  test('is taken in headers and the query too', async () => {
    const { url } = await serve()
    const headers = {
      'anthropic-version': '2099-01-01',
      'anthropic-beta': 'oauth-2025-04-20,what-2099-01-01',
      'anthropic-dangerous-direct-browser-access': 'true',
    }
    const path = `${messagesPath}?beta=true`
    expect((await askMessages(url, tale(), { headers, path })).status).toBe(200)
    expect((await askMessages(url, tale(), { path: `/v1${path}` })).status).toBe(200)
    expect((await askMessages(url, tale(), { path: '/messages' })).status).toBe(200)
  })

  test('is a missing version as well', async () => {
    const { url } = await serve()
    const body = JSON.stringify(tale({ stream: false }))
    const response = await fetch(url + messagesPath, { method: 'POST', body })
    expect(await response.json()).toMatchObject({ type: 'message', role: 'assistant' })
  })
})

describe(wireCheck(61), () => {
  const server = { apiKeys: ['right'] }

  test.each([
    { 'x-api-key': 'right' },
    { authorization: 'Bearer right' },
    { 'x-api-key': 'right', authorization: 'Bearer other' },
  ])('a key is taken from %j', async (headers) => {
    const { url } = await serve({ server })
    expect((await askMessages(url, tale(), { headers })).status).toBe(200)
  })

  test.each<Record<string, string>>([
    {},
    { 'x-api-key': 'wrong' },
    { authorization: 'Basic right' },
  ])('a key that is none is a 401: %j', async (headers) => {
    const { url } = await serve({ server })
    const response = await askMessages(url, tale(), { headers })
    expect(response.status).toBe(401)
    expect(await response.json()).toMatchObject({ error: { type: 'authentication_error' } })
  })
})

test('a page may read the id that its errors have', async () => {
  const { url } = await serve({ server: { allowOrigins: ['https://page.example'] } })
  const headers = { origin: 'https://page.example' }
  const exposed = async (path: string) => {
    const response = await fetch(url + path, { headers })
    return response.headers.get('access-control-expose-headers')?.split(', ')
  }
  expect(await exposed(messagesPath)).toEqual([
    ...['x-request-id', 'retry-after', 'x-sluice-notes', 'request-id'],
  ])
  expect(await exposed('/v1/responses')).not.toContain('request-id')
  const apart = await fetch(url + messagesPath)
  expect(apart.headers.get('access-control-expose-headers')).toBeNull()
})

describe(wireCheck(61), () => {
  test('models are listed with their window, as Anthropic has it for its clients', async () => {
    const { url } = await serve({
      server: { aliases: ['claude-local'] },
      engine: { context: 4096 },
    })
    const list = await (await fetch(`${url}/v1/models?limit=1000`, { headers: version })).json()
    const ids = { first_id: 'fake', last_id: 'default', has_more: false }
    expect(list).toMatchObject({ ...ids, data: [{ id: 'fake' }, { id: 'claude-local' }, {}] })
    const one = await (await fetch(`${url}/v1/models/claude-local`, { headers: version })).json()
    expect(one).toEqual((list as { data: object[] }).data[1])
    expect(one).toMatchObject({ type: 'model', max_input_tokens: 4096, max_tokens: 4096 })
  })

  test('models are listed in the shape of OpenAI for all others', async () => {
    const { url } = await serve()
    expect(await (await fetch(`${url}/v1/models`)).json()).toMatchObject({ object: 'list' })
  })

  test('models that are not there are a 404 in the words of who asks', async () => {
    const { url } = await serve()
    const theirs = await fetch(`${url}/v1/models/x`, { headers: version })
    expect([theirs.status, await theirs.json()]).toMatchObject([
      404,
      { type: 'error', error: { type: 'not_found_error' } },
    ])
    const other = await fetch(`${url}/v1/models/x`)
    expect(await other.json()).toMatchObject({ error: { code: 'model_not_found' } })
  })
})

/** What a template is told. The grammars of tools are for a reply alone. */
const told = (chat: NativeChat) => {
  return { ...chat, tools: chat.tools.map((tool) => ({ ...tool, root: '', rules: '' })) }
}

const countPath = `${messagesPath}/count_tokens`

describe(wireCheck(60), () => {
  test('what count_tokens counts is the conversation that a message would have', async () => {
    const { url, native } = await serve({ model: { reasoningEnds: ['</think>'] } })
    const counted: NativeChat[] = []
    native.onTextJob = (job, answer) => {
      if (job.kind === 'tokenize-chat') counted.push(job.chat)
      answer()
    }
    const asked = tale({
      system: 'Be brief.',
      tools: [weather, clock],
      tool_choice: { type: 'any', disable_parallel_tool_use: true },
      thinking: { type: 'enabled', budget_tokens: 2048 },
      output_config: { effort: 'low' },
    })
    const response = await askMessages(url, asked, { path: `${countPath}?beta=true` })
    expect(await response.json()).toEqual({ input_tokens: expect.any(Number) })
    expect(native.submitted).toEqual([])
    await askMessages(url, asked)
    expect(counted.map(told)).toEqual([told(chatOf(native.submitted[0] as NativeRequest))])
    expect(counted[0]).toMatchObject({ reasoningEffort: 'low', reasoningBudget: 2048 })
  })
})

describe('count_tokens', () => {
  test('takes what only a reply needs, and refuses what is wrong', async () => {
    const { url } = await serve()
    const taken = await askMessages(url, tale({ stop_sequences: ['END'], what: 1 }), {
      path: countPath,
    })
    expect(taken.status).toBe(200)
    expect(taken.headers.get('x-sluice-notes')).toBe('what: unknown, so it had no effect')
    const wrong = await askMessages(url, tale({ messages: [] }), { path: countPath })
    expect([wrong.status, await wrong.json()]).toMatchObject([400, { type: 'error' }])
  })
})
