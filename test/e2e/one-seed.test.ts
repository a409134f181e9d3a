import path from 'node:path'
import type { LanguageModelV3Prompt } from '@ai-sdk/provider'
import { beforeAll, describe, expect, test } from 'vitest'
import { createSluice } from '../../src/ai-sdk/index.js'
import { createServer, fetchHandler } from '../../src/http/index.js'
import type { ChatMessage, Engine } from '../../src/index.js'
import { load } from '../../src/index.js'
import { textOf } from '../support/sse.js'
import { blocksOf, eventsOf, version } from '../support/wire/anthropic/messages.js'
import { wireCheck } from '../support/wire/checks.mjs'
import {
  outputText,
  eventsOf as responseEvents,
  type WireResponse,
} from '../support/wire/responses.js'

// At one seed the text is one, through each door of one engine, streamed and whole.

const model = path.resolve(import.meta.dirname, '../../models/storyteller.gguf')
const system = 'You tell stories.'
const asked = 'Tell me a story about a fox'
const how = { temperature: 0.9, seed: 7 }
const length = 120

const user = { role: 'user' as const, content: asked }
const messages: ChatMessage[] = [{ role: 'system', content: system }, user]

let engine: Engine
let text: string
/** A server's, or a handler's. */
let doors: Record<string, (path: string, body: object) => Promise<Response>>

beforeAll(async () => {
  engine = await load({ model })
  const server = createServer({ engine, port: 0 })
  const { url } = await server.listen()
  const handler = fetchHandler({ engine })
  const init = (body: object) => ({
    method: 'POST',
    body: JSON.stringify({ model: 'default', ...how, ...body }),
    headers: { 'content-type': 'application/json', ...version },
  })
  doors = {
    'a server': (path, body) => fetch(url + path, init(body)),
    fetchHandler: (path, body) => handler(new Request(`http://localhost${path}`, init(body))),
  }
  text = await engine.chat(messages, { ...how, maxTokens: length }).text()
  return async () => {
    await handler.close()
    await server.close()
    await engine.close()
  }
})

/** What a door said, of one protocol. */
interface Protocol {
  readonly path: string
  readonly body: object
  whole(body: unknown): unknown
  streamed(frames: string): unknown
}

const protocols: Readonly<Record<string, Protocol>> = {
  'chat completions': {
    path: '/v1/chat/completions',
    body: { messages, max_tokens: length },
    whole: (body) => (body as { choices: [{ message: object }] }).choices[0].message,
    streamed: (frames) => ({ role: 'assistant', content: textOf(frames) }),
  },
  Responses: {
    path: '/v1/responses',
    body: { instructions: system, input: asked, max_output_tokens: length },
    whole: (body) => ({ role: 'assistant', content: outputText(body as WireResponse) }),
    streamed: (frames) => {
      const deltas = responseEvents(frames).filter(({ type }) => /output_text\.delta$/.test(type))
      return { role: 'assistant', content: deltas.map(({ delta }) => delta).join('') }
    },
  },
  Messages: {
    path: '/v1/messages',
    body: { system, messages: [user], max_tokens: length },
    whole: (body) => {
      const { role, content } = body as { role: string; content: { text: string }[] }
      return { role, content: content.map((block) => block.text).join('') }
    },
    streamed: (frames) => {
      const blocks = blocksOf(eventsOf(frames))
      return { role: 'assistant', content: blocks.map((block) => block.text).join('') }
    },
  },
}

const ways = Object.keys(protocols).flatMap((protocol) =>
  ['a server', 'fetchHandler'].map((door) => [protocol, door] as const),
)

describe(wireCheck(11), () => {
  test('the engine says the same streamed and whole, and another at another seed', async () => {
    let streamed = ''
    for await (const part of engine.chat(messages, { ...how, maxTokens: length })) {
      streamed += part.text
    }
    expect(streamed).toBe(text)
    expect(text.split(' ').length).toBeGreaterThan(30)
    const other = await engine.chat(messages, { ...how, seed: 8, maxTokens: length }).text()
    expect(other).not.toBe(text)
  })

  test.each(ways)('%s by %s say what the engine says', async (protocol, door) => {
    const { path, body, whole, streamed } = protocols[protocol] as Protocol
    const ask = doors[door] as (typeof doors)[string]
    const said = { role: 'assistant', content: text }
    const plain = await ask(path, body)
    expect(whole(await plain.json())).toMatchObject(said)
    const stream = await ask(path, { ...body, stream: true })
    expect(streamed(await stream.text())).toEqual(said)
  })

  test('the AI SDK’s model says what the engine says', async () => {
    const prompt: LanguageModelV3Prompt = [
      { role: 'system', content: system },
      { role: 'user', content: [{ type: 'text', text: asked }] },
    ]
    const options = { prompt, ...how, maxOutputTokens: length }
    const sluice = createSluice(engine)()
    expect((await sluice.doGenerate(options)).content).toEqual([{ type: 'text', text }])
    let streamed = ''
    const { stream } = await sluice.doStream(options)
    for await (const part of stream) if (part.type === 'text-delta') streamed += part.delta
    expect(streamed).toBe(text)
  })
})
