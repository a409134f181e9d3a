import { describe, expect, test } from 'vitest'
import type { ErrorBody } from '../../../src/apis/openai/errors.js'
import { closeAfterEach, postJson, serve } from '../../support/serve.js'
import { askResponse, keeping, responsesPath } from '../../support/wire/responses.js'
import { wrongField } from '../../support/wire/wrong.js'

// Wrong requests at /v1/responses, each with the field that is blamed.

closeAfterEach()

const user = { role: 'user', content: 'Hi' }
const named = { type: 'function', name: 'a' }

const wrong: [body: object, param: string][] = [
  [{}, 'input'],
  [{ input: [] }, 'input'],
  [{ input: 7 }, 'input'],
  [{ input: ['Hi'] }, 'input[0]'],
  [{ input: [{ content: 'Hi' }] }, 'input[0].role'],
  [{ input: [user, { role: 'tool', content: 'Hi' }] }, 'input[1].role'],
  [{ input: [{ role: 'user', content: 7 }] }, 'input[0].content'],
  [
    { input: [{ role: 'user', content: [{ type: 'input_image', image_url: 'x' }] }] },
    'input[0].content[0].type',
  ],
  [
    { input: [{ role: 'user', content: [{ type: 'input_file', file_id: 'x' }] }] },
    'input[0].content[0].type',
  ],
  [{ input: [{ ...user, type: 7 }] }, 'input[0].type'],
  [{ input: [{ type: 'function_call', name: 'a' }] }, 'input[0].call_id'],
  [{ input: [{ type: 'function_call', call_id: 'a' }] }, 'input[0].name'],
  [{ input: [{ type: 'function_call_output', output: 'a' }] }, 'input[0].call_id'],
  [
    {
      input: [
        user,
        { type: 'function_call_output', call_id: 'a', output: [{ type: 'input_image' }] },
      ],
    },
    'input[1].output[0].type',
  ],
  [{ input: [{ type: 'item_reference' }] }, 'input[0].id'],
  [{ input: [{ type: 'web_search_call', id: 'ws_1' }] }, 'input'],
  [{ input: Array(8193).fill(user) }, 'input'],
  [{ input: 'Hi', instructions: 7 }, 'instructions'],
  [{ input: 'Hi', max_output_tokens: -2 }, 'max_output_tokens'],
  [{ input: 'Hi', temperature: 'warm' }, 'temperature'],
  [{ input: 'Hi', tools: {} }, 'tools'],
  [{ input: 'Hi', tools: [{ type: 'function' }] }, 'tools[0].name'],
  [{ input: 'Hi', tools: [{ type: 'function', function: 7 }] }, 'tools[0].function'],
  [{ input: 'Hi', tools: [{ type: 'custom' }] }, 'tools[0].name'],
  [{ input: 'Hi', tools: [{ type: 'custom', custom: {} }] }, 'tools[0].custom.name'],
  [{ input: 'Hi', tools: [{ type: 'namespace', tools: [] }] }, 'tools[0].name'],
  [{ input: 'Hi', tools: [{ type: 'namespace', name: 'n' }] }, 'tools[0].tools'],
  [{ input: 'Hi', tools: [{ type: 'namespace', name: 'n', tools: [7] }] }, 'tools[0].tools[0]'],
  [{ input: 'Hi', tools: [{ type: 'function', name: ' ' }] }, 'tools[0].name'],
  [{ input: 'Hi', tool_choice: 'required' }, 'tool_choice'],
  [{ input: 'Hi', tools: [named], tool_choice: { type: 'web_search_preview' } }, 'tool_choice'],
  [{ input: 'Hi', tools: [named], tool_choice: { type: 'function', name: 'b' } }, 'tool_choice'],
  [
    {
      input: 'Hi',
      tools: [named],
      tool_choice: { type: 'allowed_tools', tools: [{ type: 'function', name: 'b' }] },
    },
    'tool_choice',
  ],
  [{ input: 'Hi', text: 'json' }, 'text'],
  [{ input: 'Hi', text: { format: { type: 'xml' } } }, 'text.format.type'],
  [{ input: 'Hi', text: { format: { type: 'json_schema', name: 'x' } } }, 'text.format.schema'],
  [
    {
      input: 'Hi',
      text: { format: { type: 'json_schema', name: 'x', schema: { type: 'wizard' } } },
    },
    'text.format.schema.type',
  ],
  [{ input: 'Hi', text: { verbosity: 'loud' } }, 'text.verbosity'],
  [{ input: 'Hi', reasoning: { effort: 7 } }, 'reasoning.effort'],
  [{ input: 'Hi', reasoning: { summary: 7 } }, 'reasoning.summary'],
  [{ input: 'Hi', include: 'all' }, 'include'],
  [{ input: 'Hi', top_logprobs: 21 }, 'top_logprobs'],
  [{ input: 'Hi', truncation: 'some' }, 'truncation'],
  [{ input: 'Hi', store: 'yes' }, 'store'],
  [{ input: 'Hi', stream: 'yes' }, 'stream'],
  [{ input: 'Hi', metadata: [] }, 'metadata'],
  [{ input: 'Hi', background: true }, 'background'],
  [{ input: 'Hi', conversation: 'conv_1' }, 'conversation'],
  [{ input: 'Hi', prompt: { id: 'pmpt_1' } }, 'prompt'],
]

test.each(wrong)('%j is refused at %s', async (body, param) => {
  const { url } = await serve()
  const response = await askResponse(url, body)
  expect(response.status).toBe(400)
  const code = param.startsWith('text.format.schema.') ? 'invalid_schema' : null
  expect(await response.json()).toEqual(wrongField(param, code))
})

describe('what only the engine can tell is said of the request’s own fields', () => {
  test.each([
    ['a template that refuses a message', { code: 'ERR_INVALID_REQUEST', message: 'no' }, 'input'],
    ['a prompt that is too long', { code: 'ERR_CONTEXT_LENGTH', message: 'long' }, 'input'],
    ['a schema too large', { code: 'ERR_INVALID_SCHEMA', message: 'big' }, 'text.format.schema'],
  ] as const)('with %s', async (_, refuse, param) => {
    const { url } = await serve({ script: () => ({ tokens: [], refuse }) })
    const format = { type: 'json_schema', name: 'x', schema: { type: 'object' } }
    const response = await askResponse(url, { input: 'Hi', text: { format }, stream: true })
    expect(response.status).toBe(400)
    expect(await response.json()).toMatchObject({ error: { param, message: refuse.message } })
  })

  test('with a call that a template without tools would leave out', async () => {
    const { url } = await serve({ model: { callFormat: 'none' } })
    const call = { type: 'function_call', call_id: 'a', name: 'run', arguments: '{}' }
    const output = { type: 'function_call_output', call_id: 'a', output: 'x' }
    const response = await askResponse(url, {
      instructions: 'Be brief.',
      input: [user, { role: 'assistant', content: 'I run.' }, call, output],
    })
    expect(response.status).toBe(400)
    const { error } = (await response.json()) as ErrorBody
    expect(error.param).toBe('input[1]')
    expect(error.message).toContain('(chatTemplate)')
    expect(error.message).not.toContain('messages')
  })
})

test.each([
  ['GET', responsesPath, 405, 'method_not_allowed'],
  ['PUT', `${responsesPath}/resp_1`, 405, 'method_not_allowed'],
  ['POST', `${responsesPath}/resp_1`, 405, 'method_not_allowed'],
  ['POST', `${responsesPath}/resp_1/input_items`, 405, 'method_not_allowed'],
  ['GET', `${responsesPath}/`, 405, 'method_not_allowed'],
])('%s %s is a %i', async (method, path, status, code) => {
  const { url } = await serve()
  const response = await fetch(url + path, { method })
  expect(response.status).toBe(status)
  expect(await response.json()).toMatchObject({ error: { code } })
})

describe('a wrong request for the count of tokens', () => {
  const path = `${responsesPath}/input_tokens`
  const kept = 'previous_response_not_found'
  const counted: [body: object, param: string, code?: string][] = [
    [{}, 'input'],
    [{ input: 7 }, 'input'],
    [{ input: [user, { role: 'bot' }] }, 'input[1].role'],
    [{ input: [{ role: 'user', content: [{ type: 'input_image' }] }] }, 'input[0].content[0].type'],
    [{ input: 'Hi', instructions: 7 }, 'instructions'],
    [{ input: 'Hi', model: 7 }, 'model'],
    [{ input: 'Hi', tools: [{ type: 'custom' }] }, 'tools[0].name'],
    [{ input: 'Hi', tool_choice: 'required' }, 'tool_choice'],
    [{ input: 'Hi', text: { verbosity: 'loud' } }, 'text.verbosity'],
    [{ input: 'Hi', reasoning: 'high' }, 'reasoning'],
    [{ input: 'Hi', previous_response_id: 'resp_1' }, 'previous_response_id', kept],
    [{ input: 'Hi', conversation: 'conv_1' }, 'conversation'],
    [{ input: [{ type: 'item_reference', id: 'x' }] }, 'input[0]', 'item_not_found'],
  ]

  test.each(counted)('%j is refused at %s', async (body, param, code) => {
    const { url } = await serve({ server: keeping })
    const response = await postJson(url, path, body)
    expect(response.status).toBe(400)
    expect(await response.json()).toEqual(wrongField(param, code))
  })

  test.each([
    ['{"input"', 'it is not JSON'],
    ['"Hi"', 'got "Hi"'],
    ['', 'it is empty'],
  ])('that is %j is no body', async (body, what) => {
    const { url } = await serve()
    const headers = { 'content-type': 'application/json' }
    const response = await fetch(url + path, { method: 'POST', headers, body })
    const message = `Expected a JSON object as the body, but ${what}.`
    expect([response.status, await response.json()]).toMatchObject([400, { error: { message } }])
  })
})
