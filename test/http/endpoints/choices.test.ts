import { describe, expect, test } from 'vitest'
import type { NativeRequest } from '../../../src/binding/engine-port.js'
import { eventually } from '../../support/eventually.js'
import { tokenBytes } from '../../support/fake-engine.js'
import { post } from '../../support/raw-client.js'
import {
  chat,
  chatPath,
  closeAfterEach,
  counting,
  serve,
  stepUntil,
  story,
} from '../../support/serve.js'
import { chunksOf, textsOf } from '../../support/sse.js'
import { wireCheck } from '../../support/wire/checks.mjs'

// Several choices and logprobs, over the fake.

closeAfterEach()

const bySeed = ({ seed }: NativeRequest) => ({ tokens: [`${seed}`, ' one', ' two'] })
const threeTexts = ['5 one two', '6 one two', '7 one two']

interface Body {
  choices: {
    index: number
    message: { role: string; content: string }
    logprobs: unknown
    finish_reason: string
  }[]
  usage: object
}

describe(wireCheck(14), () => {
  test('n choices share one stream: a role and a finish reason each, one usage', async () => {
    const { url } = await serve({ script: bySeed })
    const options = { n: 3, seed: 5, stream_options: { include_usage: true } }
    const text = await (await chat(url, story(options))).text()
    const chunks = chunksOf(text)
    expect(textsOf(text)).toEqual(threeTexts)
    expect(chunks.slice(0, 3).map(({ choices }) => choices[0])).toEqual(
      [0, 1, 2].map((index) => {
        return { index, delta: { role: 'assistant', content: '' }, finish_reason: null }
      }),
    )
    const finished = chunks.flatMap(({ choices }) => choices.filter((one) => one.finish_reason))
    expect(finished.map(({ index }) => index)).toEqual([0, 1, 2])
    expect(new Set(chunks.map(({ id }) => id)).size).toBe(1)
    expect(chunks.filter(({ usage }) => usage)).toHaveLength(1)
    expect(chunks.at(-1)).toMatchObject({
      choices: [],
      usage: { prompt_tokens: 4, completion_tokens: 9, total_tokens: 13 },
    })
  })

  test('n choices of one body are in order, with one usage', async () => {
    const { url, log } = await serve({ script: bySeed })
    const body = (await (await chat(url, story({ n: 3, seed: 5, stream: false }))).json()) as Body
    expect(body.choices.map(({ index, message }) => [index, message.content])).toEqual(
      threeTexts.map((text, index) => [index, text]),
    )
    expect(body.usage).toMatchObject({ prompt_tokens: 4, completion_tokens: 9, total_tokens: 13 })
    await eventually(() => log.length === 1)
    expect(log[0]).toMatchObject({ promptTokens: 4, completionTokens: 9 })
  })

  test('choices of a stream are interleaved as they come', async () => {
    const script = () => ({ tokens: counting() })
    const { native, client } = await serve({ pace: 'manual', script })
    const raw = await client()
    raw.send(post(chatPath, story({ n: 2, max_tokens: 6 })))
    await stepUntil(native, () => raw.text.includes('[DONE]'))
    const order = chunksOf(raw.body)
      .flatMap(({ choices }) => choices)
      .filter(({ delta }) => delta.content)
      .map(({ index }) => index)
    expect(order.indexOf(1)).toBeLessThan(order.lastIndexOf(0))
    expect(textsOf(raw.body)).toEqual(['0 1 2 3 4 5 ', '0 1 2 3 4 5 '])
  })
})

test('a choice that ends early waits for no other, and its slot is free', async () => {
  const script = ({ seed }: NativeRequest) => ({ tokens: seed === 1 ? ['short'] : counting() })
  const { native, client } = await serve({ pace: 'manual', script })
  const raw = await client()
  raw.send(post(chatPath, story({ n: 2, seed: 1, max_tokens: 30 })))
  await stepUntil(native, () => native.stats().finished === 1)
  expect(native.stats().running).toBe(1)
  await stepUntil(native, () => raw.text.includes('[DONE]'))
  expect(textsOf(raw.body)[0]).toBe('short')
})

/** Three choices that go on, and a client who has seen something of each. */
async function threeUnderWay() {
  const { native, client } = await serve({
    pace: 'manual',
    script: () => ({ tokens: counting() }),
  })
  const raw = await client()
  raw.send(post(chatPath, story({ n: 3 })))
  await stepUntil(native, () => raw.text.includes('"index":2,"delta":{"content"'))
  return { native, raw }
}

test('a client that leaves cancels all choices', async () => {
  const { native, raw } = await threeUnderWay()
  raw.socket.destroy()
  await eventually(() => native.cancelled.length === 3)
  native.step()
  expect(native.stats()).toMatchObject({ running: 0, queued: 0, cancelled: 3 })
})

test('a stream fails where one choice does, and the others are cancelled', async () => {
  const { native, raw } = await threeUnderWay()
  native.fail(2, { code: 'ERR_ENGINE_FAILED', message: 'llama.cpp failed' })
  await raw.seen('engine_failed')
  expect(raw.text).not.toContain('[DONE]')
  expect(native.cancelled).toEqual([1, 3])
})

test('choices that do not all fit the queue are a 429, and none of them starts', async () => {
  const { url, native } = await serve({ pace: 'manual', engine: { parallel: 3, queue: 0 } })
  const first = chat(url, story({ stream: false }))
  await eventually(() => native.submitted.length === 1)
  expect((await chat(url, story({ n: 3 }))).status).toBe(429)
  expect(native.submitted).toHaveLength(1)
  await stepUntil(native, () => native.stats().finished === 1)
  await first
})

const token = (text: string | Buffer, logprob: number) => ({
  id: 7,
  bytes: tokenBytes(text),
  logprob,
})
const [half, rest] = [Buffer.from('🦊').subarray(0, 2), Buffer.from('🦊').subarray(2)]
const told = () => ({
  tokens: [
    { text: 'Once', logprobs: [{ ...token('Once', -0.25), top: [token('Once', -0.25)] }] },
    {
      text: '🦊',
      logprobs: [
        { ...token(half, -1), top: [token('a', -0.5)] },
        { ...token(rest, -2), top: [{ ...token('', -0.1), name: '<|end|>' }] },
      ],
    },
  ],
})
const onTheWire = [
  { token: 'Once', logprob: -0.25, bytes: [79, 110, 99, 101], top_logprobs: [{}] },
  { token: '\uFFFD', logprob: -1, bytes: [240, 159], top_logprobs: [{ token: 'a' }] },
  { logprob: -2, bytes: [166, 138], top_logprobs: [{ token: '<|end|>', bytes: [] }] },
]

describe(wireCheck(16), () => {
  test('logprobs of a stream have the bytes that rebuild its text', async () => {
    const { url, native } = await serve({ script: told })
    const asked = { logprobs: true, top_logprobs: 1 }
    const text = await (await chat(url, story(asked))).text()
    const entries = chunksOf(text).flatMap(({ choices }) => choices[0]?.logprobs?.content ?? [])
    expect(entries).toMatchObject(onTheWire)
    const bytes = Buffer.from(entries.flatMap((entry) => entry.bytes))
    expect(bytes.toString('utf8')).toBe(textsOf(text)[0])
    expect(native.submitted[0]?.logprobs).toBe(1)
  })

  test('logprobs of a body are those of its stream', async () => {
    const { url, native } = await serve({ script: told })
    const ask = async (more: object) =>
      (await (await chat(url, story({ stream: false, ...more }))).json()) as Body
    const { choices } = await ask({ logprobs: true, top_logprobs: 1 })
    expect(choices[0]?.logprobs).toMatchObject({ content: onTheWire, refusal: null })
    expect((await ask({})).choices[0]?.logprobs).toBeNull()
    expect((await ask({ logprobs: false, top_logprobs: 0 })).choices[0]?.logprobs).toBeNull()
    expect((await ask({ logprobs: true })).choices[0]?.logprobs).not.toBeNull()
    expect(native.submitted.map(({ logprobs }) => logprobs)).toEqual([1, -1, -1, 0])
  })

  test('logprobs that were asked for and are none are an empty list', async () => {
    const { url } = await serve({ script: () => ({ tokens: [] }) })
    const asked = story({ stream: false, logprobs: true })
    const { choices } = (await (await chat(url, asked)).json()) as Body
    expect(choices[0]?.logprobs).toEqual({ content: [], refusal: null })
  })
})
