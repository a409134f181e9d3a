import { expect, test } from 'vitest'
import { App } from '../../src/http/app.js'
import { answer } from '../../src/http/dispatch.js'
import { listenerSettings, modelHostOf } from '../../src/http/options.js'
import type { Answer, StreamedAnswer } from '../../src/web/answer.js'
import { Call } from '../../src/web/call.js'
import { targetOf } from '../../src/web/target.js'
import { eventually } from '../support/eventually.js'
import {
  chat,
  chatPath,
  closeAfterEach,
  counting,
  postJson,
  type Served,
  serve,
  story,
} from '../support/serve.js'
import { eventsOf } from '../support/sse.js'
import { shortStreams } from '../support/wire/short-streams.js'

// A handler's answer needs no socket: what is sent by whichever adapter is all in it.

closeAfterEach()

function ask(served: Served, method: string, target: string, body?: unknown) {
  const settings = listenerSettings({ engine: served.engine })
  const app = new App(settings, modelHostOf(settings))
  const call = new Call(
    {
      method,
      target: targetOf(target),
      headers: { 'x-request-id': 'mine' },
      hosts: ['localhost'],
      localAddress: undefined,
      remoteAddress: undefined,
      isExpectingMore: false,
      originInFront: undefined,
      readBody: async () => Buffer.from(JSON.stringify(body)),
    },
    app.errorWords,
  )
  return { call, answered: answer(app, call) }
}

function streamOf(answer: Answer): StreamedAnswer {
  return 'frames' in answer ? answer : expect.fail('it is no stream')
}

async function textOf(answer: StreamedAnswer): Promise<string> {
  const { frames } = answer
  let text = answer.opening()
  for (;;) {
    const { done, value } = await frames.next()
    text += value
    if (done) return text
  }
}

test('a streamed chat is its opening and its frames, of which the last ends it', async () => {
  const { call, answered } = ask(await serve(), 'POST', chatPath, story())
  const stream = streamOf(await answered)
  expect(stream.headers['content-type']).toContain('text/event-stream')
  const text = await textOf(stream)
  expect(text).toMatch(/^data: [^\n]*"role":"assistant"/)
  expect(text).toMatch(/"finish_reason":"stop".*\n\ndata: \[DONE\]\n\n$/)
  expect(call.answerHeaders).toMatchObject({ 'x-request-id': 'mine', vary: 'origin' })
})

test('an engine goes on only as frames are asked for', async () => {
  const script = () => ({ tokens: counting() })
  const served = await serve({ script, engine: { window: 4 } })
  const { answered } = ask(served, 'POST', chatPath, story())
  const { frames } = streamOf(await answered)
  await eventually(() => served.native.stats().parked === 1)
  const { tokensGenerated } = served.native.stats()
  await frames.next()
  await eventually(() => served.native.stats().tokensGenerated > tokensGenerated)
  frames.return()
})

test('a stream whose reader leaves cancels all of its replies', async () => {
  const script = () => ({ tokens: counting() })
  const served = await serve({ script, engine: { parallel: 4 } })
  const body = { model: 'default', prompt: ['a', 'b', 'c'], stream: true, max_tokens: 100_000 }
  const { frames } = streamOf(await ask(served, 'POST', '/v1/completions', body).answered)
  await frames.next()
  frames.return()
  await eventually(() => served.native.stats().cancelled === 3)
})

test('asking for a frame throws the error of one of several replies that fails', async () => {
  const end = { code: 'ERR_ENGINE_FAILED', message: 'no more' } as const
  const script = (request: { prompt: unknown }) =>
    request.prompt === 'bad' ? { tokens: ['x'], end } : { tokens: counting() }
  const served = await serve({ script, engine: { parallel: 4, window: 4 } })
  const body = { model: 'default', prompt: ['good', 'bad'], stream: true, max_tokens: 100_000 }
  const stream = streamOf(await ask(served, 'POST', '/v1/completions', body).answered)
  await expect(textOf(stream)).rejects.toThrow('no more')
  stream.frames.return()
  await eventually(() => served.native.stats().cancelled === 1)
})

test.each(shortStreams)(
  'a stream of %s that fails before its first token has its opening',
  async (path, body, events) => {
    const end = { code: 'ERR_ENGINE_FAILED', message: 'no more' } as const
    const { url } = await serve({ script: () => ({ tokens: [], end }) })
    expect(eventsOf(await (await postJson(url, path, body)).text())).toEqual(events)
  },
)

test('a refusal at the door is thrown, in no protocol’s words', async () => {
  const { call, answered } = ask(await serve(), 'GET', chatPath)
  await expect(answered).rejects.toMatchObject({ kind: 'method', status: 405 })
  expect(call.answerHeaders.allow).toBe('POST')
})

test.each([true, false])(
  'a form that is given up is blamed by its field, stream: %s',
  async (stream) => {
    const end = { code: 'ERR_INVALID_SCHEMA', message: 'no token goes on' } as const
    const { url } = await serve({ script: () => ({ tokens: ['{'], end }) })
    const json_schema = { name: 'a', schema: { type: 'object', additionalProperties: false } }
    const response_format = { type: 'json_schema', json_schema }
    const text = await (await chat(url, story({ stream, response_format }))).text()
    const json = text.trim().split('\n\n').at(-1)?.replace('data: ', '') ?? ''
    const param = 'response_format.json_schema.schema'
    expect(JSON.parse(json).error).toMatchObject({ code: 'invalid_schema', param })
  },
)

test.each([
  [chatPath, story({ stream: false }), 'messages'],
  ['/v1/completions', { prompt: 'once' }, 'prompt'],
])(
  '%s blames its own field for a prompt that the engine gives up later',
  async (path, body, param) => {
    const end = { code: 'ERR_INVALID_REQUEST', message: 'not this one' } as const
    const { url } = await serve({ script: () => ({ tokens: ['a'], end }) })
    const response = await postJson(url, path, body)
    expect(await response.json()).toMatchObject({ error: { param } })
  },
)
