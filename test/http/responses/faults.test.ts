import { describe, expect, test } from 'vitest'
import type { NativeChat, NativeRequest } from '../../../src/binding/engine-port.js'
import type { Script } from '../../support/fake-engine.js'
import { closeAfterEach, serve } from '../../support/serve.js'
import { wireCheck } from '../../support/wire/checks.mjs'
import { askResponse, keeping, respond, streamed } from '../../support/wire/responses.js'

// What llama-server v0.5.0 does wrong at /v1/responses, one test each, with what is right.

closeAfterEach()

const input = 'Hi'
const user = { role: 'user', content: input }
const end = { code: 'ERR_ENGINE_FAILED' as const, message: 'llama.cpp failed' }

function conversation({ prompt }: NativeRequest): NativeChat {
  if (typeof prompt === 'object' && 'messages' in prompt) return prompt
  throw new Error('the prompt is no conversation')
}

describe('where llama-server fails or leaves something out,', () => {
  test('a response that follows another is no error', async () => {
    const { url } = await serve({ server: keeping })
    const { id } = await respond(url, { input })
    expect(await respond(url, { input, previous_response_id: id })).toMatchObject({
      status: 'completed',
      previous_response_id: id,
    })
  })

  test('tools of a namespace and custom tools are offered', async () => {
    const { url, native } = await serve()
    const inner = [{ type: 'function', name: 'find', parameters: {} }]
    const tools = [
      { type: 'namespace', name: 'crm', tools: inner },
      { type: 'custom', name: 'sh' },
      { type: 'web_search' },
    ]
    expect((await askResponse(url, { input, tools })).status).toBe(200)
    const offered = conversation(native.submitted[0] as NativeRequest).tools
    expect(offered.map(({ name }) => name)).toEqual(['crm__find', 'sh'])
  })

  test.each([
    [{ type: 'custom_tool_call', call_id: 'a', name: 'sh', input: 'ls' }],
    [{ type: 'web_search_call', id: 'ws_1', status: 'completed', action: { type: 'search' } }],
    [{ type: 'local_shell_call', id: 'l', call_id: 'a', action: { type: 'exec', command: [] } }],
  ])('an item %j of a conversation is taken', async (item) => {
    const { url } = await serve()
    expect((await askResponse(url, { input: [user, item, user] })).status).toBe(200)
  })

  test('reasoning without a content is taken', async () => {
    const { url, native } = await serve()
    const sealed = { type: 'reasoning', id: 'rs_1', summary: [], encrypted_content: 'gAAAA' }
    const summed = { ...sealed, summary: [{ type: 'summary_text', text: 'Hm' }] }
    const said = { role: 'assistant', content: 'A' }
    const asked = await askResponse(url, { input: [user, sealed, said, user, summed, said, user] })
    expect(asked.status).toBe(200)
    const { messages } = conversation(native.submitted[0] as NativeRequest)
    expect(messages.map(({ reasoning }) => reasoning)).toEqual(['', '', '', 'Hm', ''])
  })

  test('a format of the text is enforced', async () => {
    const { url, native } = await serve()
    const schema = { type: 'object', properties: { a: { type: 'integer' } }, required: ['a'] }
    for (const format of [
      { type: 'json_schema', name: 'x', schema, strict: true },
      { type: 'json_object' },
    ]) {
      await respond(url, { input, text: { format } })
    }
    const grammars = native.submitted.map(({ grammar }) => grammar)
    expect(grammars).toEqual([expect.stringContaining('root'), expect.stringContaining('root')])
  })
})

const script = (): Script => ({
  tokens: [
    { reasoning: 'Hm.' },
    { text: 'Yes.' },
    { toolCalls: [{ index: 0, id: 'c', name: 'run', arguments: '{}' }] },
  ],
  end: 'tool_calls',
  reasoningTokens: 1,
})
const tools = [{ type: 'function', name: 'run', parameters: {} }]

describe(wireCheck(45, 46), () => {
  test('events have their numbers and their places', async () => {
    const { url } = await serve({ script })
    for (const reasoning of [{}, { summary: 'auto' }]) {
      const events = await streamed(url, { input, tools, reasoning })
      expect(events.map((event) => event.sequence_number)).toEqual(events.map((_, i) => i))
      for (const event of events) {
        const isWhole = event.response !== undefined
        expect(event).toMatchObject(isWhole ? {} : { output_index: expect.any(Number) })
        if (/reasoning_summary/.test(event.type)) expect(event.summary_index).toBe(0)
        else if (/text|part/.test(event.type)) expect(event.content_index).toBe(0)
      }
      expect(events.some(({ type }) => /summary_text/.test(type))).toBe('summary' in reasoning)
    }
  })
})

describe(wireCheck(47), () => {
  test('a response that was cut is incomplete, and one that failed has failed', async () => {
    const { url } = await serve()
    const cut = await streamed(url, { input, max_output_tokens: 1 })
    expect(cut.at(-1)?.type).toBe('response.incomplete')
    const failing = await serve({ script: () => ({ tokens: ['Once'], end }) })
    expect((await streamed(failing.url, { input })).at(-1)?.type).toBe('response.failed')
  })
})

describe(wireCheck(48), () => {
  test('an error is an event of its own, and no frame of a chat', async () => {
    const { url } = await serve({ script: () => ({ tokens: ['Once'], end }) })
    const text = await (await askResponse(url, { input, stream: true })).text()
    expect(text).toMatch(/^event: error\ndata: \{"type":"error","sequence_number":\d+,"code":/m)
    expect(text).not.toMatch(/"error":\{"message"/)
    expect(text).not.toContain('[DONE]')
  })
})

describe('where llama-server’s stream lacks something,', () => {
  test('arguments and reasoning have an end', async () => {
    const { url } = await serve({ script })
    const events = await streamed(url, { input, tools })
    const ended = (what: string) => events.find(({ type }) => type === `response.${what}.done`)
    expect(ended('function_call_arguments')).toMatchObject({ name: 'run', arguments: '{}' })
    expect(ended('reasoning_text')).toMatchObject({ text: 'Hm.', content_index: 0 })
  })

  test('the usage tells how many tokens were reasoning', async () => {
    const { url } = await serve({ script })
    expect((await streamed(url, { input, tools })).at(-1)?.response?.usage).toMatchObject({
      output_tokens_details: { reasoning_tokens: 1 },
    })
  })
})
