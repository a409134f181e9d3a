import { describe, expect, test } from 'vitest'
import { eventually, settle } from '../support/eventually.js'
import type { FakePart, Script } from '../support/fake-engine.js'
import { post } from '../support/raw-client.js'
import { chatPath, closeAfterEach, counting, postJson, serve, story } from '../support/serve.js'
import { eventsOf, framesOf } from '../support/sse.js'
import { messagesPath, tale } from '../support/wire/anthropic/messages.js'
import { responsesPath } from '../support/wire/responses.js'

// What is sent because of how clients take it: docs/clients.md has what each makes of it, and
// test/long/clients shows that by running them.

closeAfterEach()

const parameters = { type: 'object', properties: { city: { type: 'string' } } }
const named = { name: 'get_weather', parameters }

const chat = {
  path: chatPath,
  body: (more: object = {}) => story({ tools: [{ type: 'function', function: named }], ...more }),
}
const responses = {
  path: responsesPath,
  body: (more: object = {}) => {
    const tools = [{ type: 'function', strict: false, ...named }]
    return { model: 'default', input: 'Tell me a story', stream: true, tools, ...more }
  },
}
const messages = {
  path: messagesPath,
  body: (more: object = {}) => {
    const tools = [{ name: 'get_weather', input_schema: parameters }]
    return tale({ stream: true, tools, ...more })
  },
}
const wires = [
  ['chat completions', chat],
  ['Responses', responses],
  ['Messages', messages],
] as const

const part = (json: string, more: object = {}): FakePart => {
  return { toolCalls: [{ index: 0, arguments: json, ...more }] }
}
const cutArguments = '{"city": "Os'
const cutCall = (): Script => ({
  tokens: [part('', { id: 'call_a', name: 'get_weather' }), part('{"city"'), part(': "Os')],
  end: 'length',
})
const broken = (): Script => ({
  tokens: ['Once'],
  end: { code: 'ERR_ENGINE_FAILED', message: 'llama.cpp failed to decode' },
})

async function answered(
  { path, body }: (typeof wires)[number][1],
  script?: () => Script,
  more: object = {},
): Promise<string> {
  const { url } = await serve(script === undefined ? {} : { script })
  return (await postJson(url, path, body(more))).text()
}

/** What the data of a stream's frames is, but for [DONE]. */
function dataOf(text: string): Record<string, unknown>[] {
  return framesOf(text).flatMap((frame) => {
    const [, json] = /^data: (\{.*)$/m.exec(frame) ?? []
    return json === undefined ? [] : [JSON.parse(json)]
  })
}

describe('a tool call that is cut', () => {
  test('has its arguments as far as they came, and says that a limit cut it', async () => {
    const chunks = dataOf(await answered(chat, cutCall)) as {
      choices: {
        delta: { tool_calls?: { function: { arguments: string } }[] }
        finish_reason: string | null
      }[]
    }[]
    const choices = chunks.flatMap((chunk) => chunk.choices)
    const calls = choices.flatMap(({ delta }) => delta.tool_calls ?? [])
    expect(calls.map((call) => call.function.arguments).join('')).toBe(cutArguments)
    expect(choices.at(-1)?.finish_reason).toBe('length')

    const last = dataOf(await answered(responses, cutCall)).at(-1)
    expect(last).toMatchObject({
      type: 'response.incomplete',
      response: {
        status: 'incomplete',
        incomplete_details: { reason: 'max_output_tokens' },
        output: [{ type: 'function_call', status: 'incomplete', arguments: cutArguments }],
      },
    })

    const events = dataOf(await answered(messages, cutCall, { max_tokens: 3 })) as {
      delta?: { partial_json?: string; stop_reason?: string }
    }[]
    const deltas = events.flatMap(({ delta }) => (delta === undefined ? [] : [delta]))
    expect(deltas.map(({ partial_json = '' }) => partial_json).join('')).toBe(cutArguments)
    expect(deltas.at(-1)?.stop_reason).toBe('max_tokens')
  })

  test('of a reply that is not streamed is as far as it came, or has no arguments', async () => {
    const more = { stream: false }
    const body = JSON.parse(await answered(chat, cutCall, more))
    const tool_calls = [{ function: { name: 'get_weather', arguments: cutArguments } }]
    expect(body.choices).toMatchObject([{ finish_reason: 'length', message: { tool_calls } }])
    const message = JSON.parse(await answered(messages, cutCall, { ...more, max_tokens: 3 }))
    const { content, stop_reason } = message
    expect(content).toMatchObject([{ type: 'tool_use', name: 'get_weather', input: {} }])
    expect(content[0].input).toEqual({})
    expect(stop_reason).toBe('max_tokens')
  })
})

describe.each(wires)('a stream of %s', (wire, ask) => {
  test('has names of events where its clients read them, and only those they know', async () => {
    const text = await answered(ask)
    const frames = framesOf(text)
    expect(frames.length).toBeGreaterThan(4)
    for (const frame of frames) {
      const [, name] = /^event: (.*)\ndata: /.exec(frame) ?? []
      if (ask === chat) expect(frame).toMatch(/^data: /)
      else expect(JSON.parse(frame.replace(/^.*\ndata: /, '')).type).toBe(name)
    }
    const known =
      ask === responses
        ? /^response\.(created|in_progress|completed|output_|content_part\.)/
        : /^(message|content_block)_(start|delta|stop)$|^chunk$/
    for (const name of eventsOf(text)) expect(name, wire).toMatch(known)
  })

  test('opens before the first sign of life, however long the prompt takes', async () => {
    const { native, client } = await serve({ pace: 'manual', server: { pingMs: 5 } })
    const raw = await client()
    raw.send(post(ask.path, ask.body()))
    await eventually(() => native.submitted.length === 1)
    native.accept(native.submitted[0]?.id ?? 0)
    const sign = /^(: ping|event: ping|event: keepalive)$/m
    while (!sign.test(raw.text)) await settle(1)
    const [before = ''] = raw.text.split(sign)
    expect(before).toMatch(/"role":"assistant"|response\.in_progress|message_start/)
  })

  test('says in its own form that an error ended it, and nothing behind that', async () => {
    const text = await answered(ask, broken)
    const [, ...others] = text.split(/(?=^(?:data: \{"error"|event: error$))/m)
    expect(others).toHaveLength(1)
    const data = dataOf(others.join(''))
    if (ask === chat) expect(data).toMatchObject([{ error: { type: 'server_error' } }])
    if (ask === messages) {
      expect(data).toMatchObject([{ type: 'error', error: { type: 'api_error' } }])
    }
    if (ask === responses) {
      // Both: one release of OpenAI's client throws at the first, another only tells it.
      const failed = { type: 'response.failed', response: { status: 'failed' } }
      expect(data).toMatchObject([{ type: 'error', message: expect.any(String) }, failed])
    }
    expect(text).not.toMatch(/\[DONE\]|response\.completed|message_stop/)
  })

  test('ends with what its clients wait for', async () => {
    const last = framesOf(await answered(ask)).slice(-2)
    const awaited = {
      'chat completions': [/"finish_reason":"stop"/, /^data: \[DONE\]$/],
      Responses: [/^event: response.output_item.done\n/, /^event: response.completed\n/],
      Messages: [/^event: message_delta\n.*"stop_reason":"end_turn"/, /^event: message_stop\n/],
    }[wire]
    expect(last).toEqual(awaited.map((pattern) => expect.stringMatching(pattern)))
  })

  test('is cancelled when its client leaves', async () => {
    const script = () => ({ tokens: counting() })
    const { native, client } = await serve({ pace: 'manual', script })
    const raw = await client()
    raw.send(post(ask.path, ask.body()))
    await eventually(() => {
      native.step()
      return native.stats().tokensGenerated >= 3
    })
    raw.socket.destroy()
    await eventually(() => native.cancelled.length === 1)
  })

  test('asks for 60 s of patience at most where the queue is full', async () => {
    const engine = { parallel: 1, queue: 0 }
    const { native, client, url } = await serve({ pace: 'manual', engine })
    const raw = await client()
    raw.send(post(ask.path, ask.body()))
    await eventually(() => native.submitted.length === 1)
    const refused = await postJson(url, ask.path, ask.body())
    const seconds = Number(refused.headers.get('retry-after'))
    expect(refused.status).toBe(429)
    expect(seconds).toBeGreaterThanOrEqual(1)
    expect(seconds).toBeLessThanOrEqual(60)
  })
})

test('no chunk of a chat has an error that is null, and neither has a body', async () => {
  const chunks = dataOf(await answered(chat))
  expect(chunks.length).toBeGreaterThan(3)
  for (const chunk of chunks) expect(chunk).not.toHaveProperty('error')
  const { url } = await serve()
  const whole = await (await postJson(url, chatPath, chat.body({ stream: false }))).json()
  expect(whole).not.toHaveProperty('error')
})

test('each chunk of several choices is of one of them, and says which', async () => {
  const { url } = await serve()
  const text = await (await postJson(url, chatPath, story({ n: 2 }))).text()
  const chunks = dataOf(text) as { choices: { index: number; finish_reason: string | null }[] }[]
  for (const { choices } of chunks) expect(choices).toHaveLength(1)
  const all = chunks.flatMap(({ choices }) => choices)
  expect(new Set(all.map(({ index }) => index))).toEqual(new Set([0, 1]))
  for (const index of [0, 1]) {
    const ends = all.filter((one) => one.index === index).map((one) => one.finish_reason)
    expect(ends.filter((end) => end !== null)).toEqual(['stop'])
  }
})
