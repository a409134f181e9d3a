import { describe, expect, test } from 'vitest'
import { closeAfterEach, serve } from '../../support/serve.js'
import { askMessages, messagesPath, tale } from '../../support/wire/anthropic/messages.js'
import { wireCheck } from '../../support/wire/checks.mjs'

// Wrong requests for /v1/messages and its count_tokens, each with all that its client is told.

closeAfterEach()

const countPath = `${messagesPath}/count_tokens`
const weather = { name: 'get_weather', input_schema: { type: 'object' } }
const user = { role: 'user', content: 'Hi' }
const bySaid = (content: unknown, role = 'user') => ({ messages: [{ role, content }] })
const readable = '"text", "search_result", "tool_result"'
const unread = '(images, documents and files are not read; leave them out)'

const aTool = '{"name": "get_weather", "input_schema": {...}}'
const aBudget = '{"type": "enabled", "budget_tokens": 1024}'
const aPattern = "a pattern that a grammar can say (')' behind a group)"
const ways = '"enabled", "adaptive", "disabled" or "between_tools"'
const choices =
  '{"type": "auto"}, {"type": "any"}, {"type": "none"} or {"type": "tool", "name": "get_weather"}'

/** What is wrong of the prompt is so for both. */
const wrongPrompts: [more: object, told: string][] = [
  [{ messages: undefined }, "'messages': expected an array of messages, but got nothing."],
  [{ messages: [] }, "'messages': expected at least one message, but got an array of 0."],
  [
    { messages: ['Hi'] },
    `'messages[0]': expected an object such as {"role": "user", "content": "..."}, but got "Hi".`,
  ],
  [
    { messages: [user, { role: 'tool', content: 'Hi' }] },
    `'messages[1].role': expected "user", "assistant" or "system", but got "tool".`,
  ],
  [
    bySaid(undefined),
    "'messages[0].content': expected a string, or an array of content blocks, but got nothing.",
  ],
  [bySaid([7]), "'messages[0].content[0]': expected a content block, an object, but got 7."],
  [
    bySaid([{ type: 'image', source: {} }]),
    `'messages[0].content[0].type': expected one of ${readable} ${unread}, but got "image".`,
  ],
  [
    bySaid([{ type: 'document', source: {} }]),
    `'messages[0].content[0].type': expected one of ${readable} ${unread}, but got "document".`,
  ],
  [
    bySaid([{ type: 'mystery' }]),
    `'messages[0].content[0].type': expected one of ${readable}, but got "mystery".`,
  ],
  [
    bySaid([{ type: 'text' }]),
    "'messages[0].content[0].text': expected a string, but got nothing.",
  ],
  [
    bySaid([{ type: 'tool_result', content: 'x' }]),
    "'messages[0].content[0].tool_use_id': expected the id of a tool_use block, but got nothing.",
  ],
  [
    bySaid([{ type: 'tool_use', id: 'a', name: 'b' }], 'assistant'),
    "'messages[0].content[0].input': expected an object, but got nothing.",
  ],
  [{ system: 7 }, "'system': expected a string, or an array of content blocks, but got 7."],
  [
    { system: [{ type: 'document' }] },
    `'system[0].type': expected "text" ${unread}, but got "document".`,
  ],
  [{ tools: [{}] }, "'tools[0].name': expected a string, but got nothing."],
  [{ tools: [7] }, `'tools[0]': expected an object such as ${aTool}, but got 7.`],
  [
    { tools: [weather], tool_choice: 'any' },
    `'tool_choice': expected an object such as ${choices}, but got "any".`,
  ],
  [
    { tools: [weather], tool_choice: { type: 'tool', name: 'x' } },
    `'tool_choice': expected the name of one of the tools, but got "x".`,
  ],
  [
    { tool_choice: { type: 'any' } },
    `'tool_choice.type': expected "auto" or "none" where there are no tools, but got "any".`,
  ],
  [{ thinking: { type: 'maybe' } }, `'thinking.type': expected ${ways}, but got "maybe".`],
  [{ thinking: 'on' }, `'thinking': expected an object such as ${aBudget}, but got "on".`],
  [
    { output_config: { effort: 7 } },
    `'output_config.effort': expected "low", "medium", "high", "xhigh" or "max", but got 7.`,
  ],
  [
    { output_config: { format: { type: 'xml' } } },
    `'output_config.format.type': expected "json_schema", but got "xml".`,
  ],
  [
    { output_format: { type: 'json_schema' } },
    "'output_format': expected nothing (it is output_config.format here), but got an object.",
  ],
  [{ model: 7 }, `'model': expected the name of a model, such as "default", but got 7.`],
]

/** The same of what only a reply needs. */
const wrongReplies: [more: object, told: string][] = [
  [
    { max_tokens: undefined },
    "'max_tokens': expected a whole number from 0 to 2147483647, but got nothing.",
  ],
  [{ max_tokens: -1 }, "'max_tokens': expected a whole number from 0 to 2147483647, but got -1."],
  [{ temperature: -1 }, "'temperature': expected a number from 0 to 100, but got -1."],
  [{ top_p: 7 }, "'top_p': expected a number from 0 to 1, but got 7."],
  [
    { stop_sequences: 'END' },
    `'stop_sequences': expected an array of at most 16 strings, but got "END".`,
  ],
  [{ stream: 'yes' }, `'stream': expected true or false, but got "yes".`],
  [
    {
      output_config: { format: { type: 'json_schema', schema: { type: 'string', pattern: '(' } } },
    },
    `'output_config.format.schema.pattern': expected ${aPattern}, but got "(".`,
  ],
]

const both = [messagesPath, countPath]
const cases = [
  ...both.flatMap((path) => wrongPrompts.map(([more, told]) => [path, more, told] as const)),
  ...wrongReplies.map(([more, told]) => [messagesPath, more, told] as const),
]

async function refused(body: unknown, path: string) {
  const { url, native } = await serve()
  const response = await askMessages(url, body, { path })
  expect(native.submitted).toEqual([])
  const id = response.headers.get('request-id')
  expect(id).toMatch(/^req_/)
  const told = (await response.json()) as { request_id: string }
  expect(told.request_id).toBe(id)
  return { status: response.status, told }
}

const envelope = (type: string, message: string) => {
  return { type: 'error', error: { type, message }, request_id: expect.any(String) }
}

describe(wireCheck(56), () => {
  test.each(cases)(
    'a request for %s with %j is told what is wrong',
    async (path, more, message) => {
      expect(await refused(tale(more), path)).toEqual({
        status: 400,
        told: envelope('invalid_request_error', message),
      })
    },
  )

  test.each(both)('a request for %s that names another model is a 404', async (path) => {
    const expected = "expected one of: 'fake', 'default'"
    const owner = "The server's owner can let it answer to any name (anyModel)."
    const message = `There is no model 'claude-x' here; ${expected}. ${owner}`
    expect(await refused(tale({ model: 'claude-x' }), path)).toEqual({
      status: 404,
      told: envelope('not_found_error', message),
    })
  })

  test.each(
    both.flatMap((path) => [
      [path, '{"model": "default"', 'it is not JSON'] as const,
      [path, '[]', 'got an array of 0'] as const,
      [path, '', 'it is empty'] as const,
    ]),
  )('a body for %s that is %j is a 400', async (path, body, what) => {
    expect(await refused(body, path)).toEqual({
      status: 400,
      told: envelope('invalid_request_error', `Expected a JSON object as the body, but ${what}.`),
    })
  })
})

describe('a wrong request', () => {
  test('that only the engine can tell of is told by the place of its message', async () => {
    const { url } = await serve({ model: { callFormat: 'none' } })
    const messages = [
      { role: 'user', content: 'Hi' },
      { role: 'assistant', content: [{ type: 'tool_use', id: 'a', name: 'run', input: {} }] },
      { role: 'user', content: [{ type: 'tool_result', tool_use_id: 'a', content: 'x' }] },
    ]
    for (const path of [messagesPath, `${messagesPath}/count_tokens`]) {
      const response = await askMessages(url, tale({ system: 'Be brief.', messages }), { path })
      const message = expect.stringMatching(/^'messages\[1\]': expected none: .*no tools/)
      expect([response.status, await response.json()]).toMatchObject([400, { error: { message } }])
    }
  })

  test('for a conversation that is kept is told so in the words that the SDK reads', async () => {
    const { url } = await serve()
    const thread = { type: 'continue', previous_message_id: 'msg_1' }
    const response = await askMessages(url, tale({ thread }))
    expect([response.status, await response.json()]).toMatchObject([
      400,
      { error: { details: { error_code: 'thread_unsupported_request' } } },
    ])
    expect((await askMessages(url, tale({ thread: null }))).status).toBe(200)
  })

  test('for a format by its name in the beta is told the one that it has', async () => {
    const { url } = await serve()
    const output_format = { type: 'json_schema', schema: { type: 'object' } }
    for (const path of [messagesPath, `${messagesPath}/count_tokens`]) {
      const response = await askMessages(url, tale({ output_format }), { path })
      const message = expect.stringMatching(/^'output_format': .*output_config\.format/)
      expect([response.status, await response.json()]).toMatchObject([400, { error: { message } }])
    }
  })

  test('whose body is too large is a 413, and whose method is another a 405', async () => {
    const { url } = await serve({ server: { bodyBytesMax: 1000 } })
    const large = await askMessages(url, tale({ system: 'a'.repeat(2000) }))
    expect(large.status).toBe(413)
    expect(await large.json()).toMatchObject({ error: { type: 'request_too_large' } })
    const got = await fetch(url + messagesPath)
    expect([got.status, got.headers.get('allow')]).toEqual([405, 'POST'])
    expect(await got.json()).toMatchObject({ type: 'error' })
  })

  test('for a path that is not there is a 404 in the words of Anthropic', async () => {
    const { url } = await serve()
    const complete = await askMessages(url, {}, { path: '/v1/complete' })
    expect(complete.status).toBe(404)
    expect(await complete.json()).toMatchObject({ error: { type: 'not_found_error' } })
    for (const prefix of ['', '/v1', '/v1/v1']) {
      const unsaid = await fetch(`${url}${prefix}/messages/batches`)
      expect(unsaid.headers.get('request-id')).toMatch(/^req_/)
      const error = { type: 'not_found_error' }
      expect([unsaid.status, await unsaid.json()]).toMatchObject([404, { type: 'error', error }])
    }
  })
})
