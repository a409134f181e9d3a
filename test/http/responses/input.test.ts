import { describe, expect, test } from 'vitest'
import type { NativeChat, NativeRequest } from '../../../src/binding/engine-port.js'
import { closeAfterEach, postJson, serve } from '../../support/serve.js'
import { wireCheck } from '../../support/wire/checks.mjs'
import { askResponse, responsesPath } from '../../support/wire/responses.js'

// What becomes of a request's input, over the fake: the conversation that the engine is asked with.

closeAfterEach()

function conversation({ prompt }: NativeRequest): NativeChat {
  if (typeof prompt === 'object' && 'messages' in prompt) return prompt
  throw new Error('the prompt is no conversation')
}

/** The messages that the engine got, without their empty fields. */
async function messagesOf(body: object): Promise<{ messages: object[]; notes: string }> {
  const { url, native } = await serve()
  const response = await askResponse(url, body)
  expect([response.status, await response.text()]).toEqual([200, expect.any(String)])
  const { messages } = conversation(native.submitted[0] as NativeRequest)
  const isFull = (value: unknown) => value !== '' && !(Array.isArray(value) && value.length === 0)
  return {
    messages: messages.map((one) =>
      Object.fromEntries(Object.entries(one).filter(([, value]) => isFull(value))),
    ),
    notes: response.headers.get('x-sluice-notes') ?? '',
  }
}

const user = { role: 'user', content: 'Hi' }
const call = { type: 'function_call', call_id: 'a', name: 'run', arguments: '{"x":1}' }
const answer = { type: 'function_call_output', call_id: 'a', output: 'done' }
const toolCall = { id: 'a', name: 'run', arguments: '{"x":1}' }

test.each([
  ['a string', { input: 'Hi' }, [user]],
  [
    'instructions before it',
    { input: 'Hi', instructions: 'Be brief.' },
    [{ role: 'system', content: 'Be brief.' }, user],
  ],
  [
    'developer messages in a row, and two parts of text',
    {
      input: [
        { type: 'message', role: 'developer', content: [{ type: 'input_text', text: 'A' }] },
        {
          role: 'developer',
          content: [
            { type: 'input_text', text: 'B' },
            { type: 'input_text', text: 'C' },
          ],
        },
        user,
        user,
      ],
    },
    [{ role: 'system', content: 'A' }, { role: 'system', content: 'B\nC' }, user, user],
  ],
  [
    'an assistant’s message with its id, status and annotations, and a refusal',
    {
      input: [
        user,
        {
          type: 'message',
          id: 'msg_1',
          role: 'assistant',
          status: 'completed',
          phase: 'final_answer',
          content: [{ type: 'output_text', text: 'Yo', annotations: [], logprobs: [] }],
        },
        { role: 'assistant', content: [{ type: 'refusal', refusal: 'No.' }] },
        user,
      ],
    },
    [user, { role: 'assistant', content: 'Yo' }, { role: 'assistant', content: 'No.' }, user],
  ],
  [
    'reasoning, a text and two calls of one turn, which are one message',
    {
      input: [
        user,
        {
          type: 'reasoning',
          id: 'rs_1',
          summary: [],
          content: [{ type: 'reasoning_text', text: 'Hm' }],
        },
        { role: 'assistant', content: 'I look.' },
        call,
        { ...call, call_id: 'b', arguments: { y: 2 } },
        answer,
        { ...answer, call_id: 'b', output: [{ type: 'input_text', text: 'too' }] },
      ],
    },
    [
      user,
      {
        role: 'assistant',
        content: 'I look.',
        reasoning: 'Hm',
        toolCalls: [toolCall, { id: 'b', name: 'run', arguments: '{"y":2}' }],
      },
      { role: 'tool', content: 'done', toolCallId: 'a' },
      { role: 'tool', content: 'too', toolCallId: 'b' },
    ],
  ],
  [
    'reasoning between calls, which is of the same turn',
    {
      input: [
        user,
        { type: 'reasoning', summary: [{ type: 'summary_text', text: 'A' }] },
        call,
        { type: 'reasoning', summary: [{ type: 'summary_text', text: 'B' }] },
        { ...call, call_id: 'b' },
        answer,
      ],
    },
    [
      user,
      { role: 'assistant', reasoning: 'A\nB', toolCalls: [toolCall, { ...toolCall, id: 'b' }] },
      { role: 'tool', content: 'done', toolCallId: 'a' },
    ],
  ],
  [
    'reasoning after a text, which is the next turn’s',
    {
      input: [
        user,
        { role: 'assistant', content: 'A' },
        { type: 'reasoning', summary: [{ type: 'summary_text', text: 'Hm' }] },
        { role: 'assistant', content: 'B' },
        user,
      ],
    },
    [
      user,
      { role: 'assistant', content: 'A' },
      { role: 'assistant', content: 'B', reasoning: 'Hm' },
      user,
    ],
  ],
  [
    'a custom tool’s call and a call of a namespace',
    {
      input: [
        user,
        { type: 'custom_tool_call', call_id: 'a', name: 'sh', input: 'ls "x"' },
        { type: 'custom_tool_call_output', call_id: 'a', output: 'y' },
        { ...call, call_id: 'b', namespace: 'crm' },
        { ...answer, call_id: 'b' },
      ],
    },
    [
      user,
      {
        role: 'assistant',
        toolCalls: [{ id: 'a', name: 'sh', arguments: '{"input":"ls \\"x\\""}' }],
      },
      { role: 'tool', content: 'y', toolCallId: 'a' },
      { role: 'assistant', toolCalls: [{ ...toolCall, id: 'b', name: 'crm__run' }] },
      { role: 'tool', content: 'done', toolCallId: 'b' },
    ],
  ],
  [
    'calls of a client’s own shell and patches',
    {
      input: [
        user,
        { type: 'local_shell_call', id: 'x', call_id: 'a', action: { command: ['ls'] } },
        { type: 'local_shell_call_output', call_id: 'a', output: 'y' },
        { type: 'apply_patch_call', call_id: 'b', operation: { type: 'delete_file', path: 'z' } },
        {
          type: 'shell_call_output',
          call_id: 'b',
          output: [{ type: 'of_its_own', stdout: 'w' }],
        },
      ],
    },
    [
      user,
      {
        role: 'assistant',
        toolCalls: [{ id: 'a', name: 'local_shell', arguments: '{"command":["ls"]}' }],
      },
      { role: 'tool', content: 'y', toolCallId: 'a' },
      {
        role: 'assistant',
        toolCalls: [
          { id: 'b', name: 'apply_patch', arguments: '{"type":"delete_file","path":"z"}' },
        ],
      },
      { role: 'tool', content: '[{"type":"of_its_own","stdout":"w"}]', toolCallId: 'b' },
    ],
  ],
])('a request with %s is read', async (_, body, expected) => {
  expect((await messagesOf(body)).messages).toEqual(expected)
})

test('items of other servers’ tools are left out, which a header tells', async () => {
  const search = { type: 'web_search_call', id: 'ws_1', status: 'completed', action: {} }
  const compaction = { type: 'compaction', id: 'c', encrypted_content: 'x' }
  const sealed = { type: 'reasoning', id: 'r', summary: [], encrypted_content: 'of OpenAI' }
  const input = [user, search, compaction, sealed, { role: 'assistant', content: 'A' }, user]
  const { messages, notes } = await messagesOf({ input })
  expect(messages).toEqual([user, { role: 'assistant', content: 'A' }, user])
  expect(notes).toContain('input[1].type: expected an item that a model can be told')
  expect(notes).toContain('input[2].type')
  expect(notes).not.toContain('input[3]')
})

test('what a request says of its reply reaches the engine', async () => {
  const { url, native } = await serve()
  const body = {
    input: 'Hi',
    max_output_tokens: 9,
    temperature: 0.5,
    top_p: 0.25,
    seed: 7,
    stop: 'x',
    top_k: 3,
    reasoning: { effort: 'high' },
    text: { verbosity: 'low' },
    parallel_tool_calls: false,
    continue_final_message: false,
  }
  await askResponse(url, body)
  const [request] = native.submitted as [NativeRequest]
  const sampling = { temperature: 0.5, topP: 0.25, topK: 3 }
  expect(request).toMatchObject({ maxTokens: 9, seed: 7, stop: ['x'], ...sampling })
  expect(conversation(request)).toMatchObject({
    reasoningEffort: 'high',
    arguments: [{ name: 'verbosity', value: '"low"' }],
    parallelToolCalls: false,
    continues: false,
  })
  await askResponse(url, { input: 'Hi', reasoning: { effort: 'none' } })
  expect(conversation(native.submitted[1] as NativeRequest)).toMatchObject({
    wantsReasoning: false,
    reasoningEffort: '',
  })
})

test('null is the same as left out, in every field that may be', async () => {
  const { url, native } = await serve()
  const names = ['instructions', 'previous_response_id', 'reasoning', 'text', 'tools', 'include']
  const others = ['tool_choice', 'parallel_tool_calls', 'max_output_tokens', 'top_logprobs', 'user']
  const more = ['store', 'stream', 'stream_options', 'metadata', 'truncation', 'temperature']
  const all = [...names, ...others, ...more, 'background', 'conversation', 'prompt', 'top_p']
  const nulls = Object.fromEntries(all.map((name) => [name, null]))
  const response = await askResponse(url, { input: 'Hi', ...nulls })
  expect(response.status).toBe(200)
  expect(response.headers.get('x-sluice-notes')).toBeNull()
  await askResponse(url, { input: 'Hi' })
  const [first, second] = native.submitted.map(({ id: _, seed: __, ...request }) => request)
  expect(first).toEqual(second)
})

test('a response repeats what it was asked for', async () => {
  const { url } = await serve({ server: { aliases: ['m'] } })
  const tools = [
    { type: 'function', name: 'run', parameters: { type: 'object' } },
    { type: 'web_search', external_web_access: false },
  ]
  const body = {
    model: 'm',
    input: 'Hi',
    instructions: 'Be brief.',
    max_output_tokens: 9,
    metadata: { a: 'b' },
    parallel_tool_calls: false,
    prompt_cache_key: 'k',
    reasoning: { effort: 'low', summary: 'auto' },
    safety_identifier: 's',
    temperature: 0.5,
    text: { format: { type: 'json_object' }, verbosity: 'low' },
    tool_choice: 'none',
    tools,
    top_p: 0.25,
    truncation: 'auto',
    user: 'u',
  }
  const { input: _, tools: __, ...told } = body
  const response = (await (await askResponse(url, body)).json()) as object
  expect(response).toMatchObject({
    ...told,
    object: 'response',
    background: false,
  })
  expect(response).toMatchObject({ tools: [{ ...tools[0], strict: null }, tools[1]] })
  const plain = await (await askResponse(url, { input: 'Hi' })).json()
  expect(plain).toMatchObject({
    model: 'fake',
    instructions: null,
    max_output_tokens: null,
    metadata: null,
    parallel_tool_calls: true,
    previous_response_id: null,
    reasoning: { effort: null, summary: null },
    temperature: null,
    text: { format: { type: 'text' } },
    tool_choice: 'auto',
    tools: [],
    top_logprobs: 0,
    top_p: null,
    truncation: 'disabled',
  })
})

/** What a template is told. The grammars of tools are for a reply alone. */
const told = (chat: NativeChat) => {
  return { ...chat, tools: chat.tools.map((tool) => ({ ...tool, root: '', rules: '' })) }
}

describe(wireCheck(53), () => {
  test('the tokens of an input are counted as they would be computed', async () => {
    const { url } = await serve()
    const ask = (body: object) => postJson(url, `${responsesPath}/input_tokens`, body)
    const body = { input: [user], instructions: 'Be brief.', tools: [] }
    const counted = await ask(body)
    expect(counted.status).toBe(200)
    // The fake's template writes `<role>content`, and a token is a character.
    const input_tokens = '<system>Be brief.<user>Hi'.length
    expect(await counted.json()).toEqual({ object: 'response.input_tokens', input_tokens })
    expect(await (await ask({ input: 7 })).json()).toMatchObject({ error: { param: 'input' } })
  })

  test('what is counted is the conversation that a response would have', async () => {
    const { url, native } = await serve()
    const counted: NativeChat[] = []
    native.onTextJob = (job, answer) => {
      if (job.kind === 'tokenize-chat') counted.push(job.chat)
      answer()
    }
    const body = {
      input: [user, call, answer],
      instructions: 'Be brief.',
      tools: [{ type: 'function', name: 'run', parameters: { type: 'object' } }],
      tool_choice: 'required',
      parallel_tool_calls: false,
      reasoning: { effort: 'low' },
      text: { verbosity: 'low' },
    }
    expect((await postJson(url, `${responsesPath}/input_tokens`, body)).status).toBe(200)
    await askResponse(url, body)
    expect(counted.map(told)).toEqual([told(conversation(native.submitted[0] as NativeRequest))])
    expect(counted[0]?.tools).toHaveLength(1)
  })
})
