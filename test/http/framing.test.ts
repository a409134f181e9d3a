import { describe, expect, test, vi } from 'vitest'
import { eventually, settle } from '../support/eventually.js'
import { post } from '../support/raw-client.js'
import {
  chat,
  chatPath,
  closeAfterEach,
  counting,
  serve,
  stepUntil,
  story,
} from '../support/serve.js'
import { chunksOf, framesOf, textOf } from '../support/sse.js'
import { wireCheck } from '../support/wire/checks.mjs'
import { expectOpenAiShape } from '../support/wire/shapes.js'

closeAfterEach()

describe(wireCheck(1), () => {
  test('a stream has the headers that keep proxies and browsers from buffering it', async () => {
    const { url } = await serve()
    const response = await chat(url, story())
    expect(response.status).toBe(200)
    expect(response.headers.get('content-type')).toBe('text/event-stream; charset=utf-8')
    expect(response.headers.get('cache-control')).toBe('no-cache, no-transform')
    expect(response.headers.get('x-accel-buffering')).toBe('no')
    expect(response.headers.get('content-encoding')).toBeNull()
  })
})

describe(wireCheck(2, 3), () => {
  test('every frame is one line of JSON, and nothing comes after [DONE]', async () => {
    const { url } = await serve({
      script: () => ({ tokens: ['a\nb', '\r\n', '\u2028\u0085', '"\\'] }),
    })
    const text = await (await chat(url, story())).text()
    const frames = framesOf(text)
    expect(frames.at(-1)).toBe('data: [DONE]')
    for (const frame of frames.slice(0, -1)) {
      expect(frame).toMatch(/^data: \{.*\}$/)
      expect(frame).not.toMatch(/[\n\r\u0085\u2028]/)
      expect(() => JSON.parse(frame.slice(6))).not.toThrow()
    }
    expect(text.endsWith('data: [DONE]\n\n')).toBe(true)
    expect(textOf(text)).toBe('a\nb\r\n\u2028\u0085"\\')
  })
})

describe(wireCheck(4), () => {
  test('[DONE] and the terminator leave in one segment, with the finish chunk', async () => {
    const { native, client } = await serve({ pace: 'manual' })
    const raw = await client()
    raw.send(post(chatPath, story({ stream_options: { include_usage: true } })))
    await stepUntil(native, () => raw.text.includes('[DONE]'))
    const segment = raw.segments.find((one) => one.includes('[DONE]'))?.toString() ?? ''
    expect(segment).toContain('"finish_reason":"stop"')
    expect(segment).toContain('"usage":{')
    expect(segment.endsWith('data: [DONE]\n\n\r\n0\r\n\r\n')).toBe(true)
  })
})

describe(wireCheck(5, 6), () => {
  test('a client that reads byte by byte gets the same characters, none split', async () => {
    const tokens = ['Grüße', ' an', ' 🦊', ' und', ' 漢字']
    const { url, client } = await serve({ script: () => ({ tokens }) })
    const whole = await (await chat(url, story())).text()
    const raw = await client()
    for (const byte of Buffer.from(post(chatPath, story()))) {
      raw.send(Buffer.of(byte))
      await settle(1)
    }
    await raw.seen('[DONE]')
    expect(textOf(raw.body)).toBe(tokens.join(''))
    expect(textOf(raw.body)).toBe(textOf(whole))
    for (const chunk of chunksOf(raw.body)) {
      expect(chunk.choices[0]?.delta.content ?? '').not.toMatch(/\ufffd/)
    }
  })
})

describe(wireCheck(7), () => {
  test.each([{ include_usage: true }, { include_usage: false }, null])(
    "every frame fits OpenAI's schema, with stream_options %j",
    async (options) => {
      const { url } = await serve()
      const text = await (await chat(url, story({ stream_options: options }))).text()
      const chunks = chunksOf(text)
      expect(chunks.length).toBeGreaterThan(2)
      for (const chunk of chunks) expectOpenAiShape('ChatCompletionChunk', chunk)
    },
  )
})

describe(wireCheck(8, 9, 10), () => {
  test('a stream has one id, the role first, and one finish reason at its end', async () => {
    const { native, client } = await serve({ pace: 'manual' })
    const raw = await client()
    raw.send(post(chatPath, story()))
    await stepUntil(native, () => raw.text.includes('[DONE]'))
    const chunks = chunksOf(raw.body)
    expect(new Set(chunks.map(({ id, created }) => `${id} ${created}`)).size).toBe(1)
    expect(chunks[0]?.choices[0]?.delta).toEqual({ role: 'assistant', content: '' })
    expect(chunks.filter(({ choices }) => choices[0]?.delta.role !== undefined)).toHaveLength(1)
    expect(chunks.map(({ choices }) => choices[0]?.finish_reason)).toEqual([
      ...chunks.slice(1).map(() => null),
      'stop',
    ])
    expect(chunks.at(-1)?.choices[0]?.delta).toEqual({})
  })
})

describe(wireCheck(12), () => {
  test('usage comes only when asked for: nulls, then one chunk without a choice', async () => {
    const { url } = await serve()
    const asked = await (await chat(url, story({ stream_options: { include_usage: true } }))).text()
    const chunks = chunksOf(asked)
    const last = chunks.pop()
    expect(chunks.every(({ usage }) => usage === null)).toBe(true)
    expect(last?.choices).toEqual([])
    expect(last?.usage).toEqual({
      prompt_tokens: 4,
      completion_tokens: 4,
      total_tokens: 8,
      prompt_tokens_details: { cached_tokens: 0 },
    })
    const unasked = await (await chat(url, story())).text()
    expect(unasked).not.toContain('usage')
    expect(chunksOf(unasked).every(({ choices }) => choices.length === 1)).toBe(true)
  })
})

describe(wireCheck(36), () => {
  test('headers and role leave before the prompt is computed', async () => {
    const prefillSteps = 1e6
    const script = () => ({ tokens: ['Once'], prefillSteps })
    const { native, client } = await serve({ pace: 'manual', script })
    const raw = await client()
    raw.send(post(chatPath, story()))
    await stepUntil(native, () => raw.text.includes('"role":"assistant"'))
    expect(native.stats().rowsPrefilled).toBeLessThan(prefillSteps)
    expect(native.stats().tokensGenerated).toBe(0)
    expect(raw.status).toBe(200)
  })
})

describe(wireCheck(37), () => {
  test('a stream is pinged in silence, and only then', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    try {
      const { native, client } = await serve({
        pace: 'manual',
        script: () => ({ tokens: counting() }),
      })
      const raw = await client()
      raw.send(post(chatPath, story()))
      while (!raw.text.includes('"0 "')) {
        native.step()
        await settle(1)
      }
      // Fourteen seconds at a time, and a token between: never fifteen of silence.
      for (let i = 1; i <= 3; i++) {
        vi.advanceTimersByTime(14_000)
        while (!raw.text.includes(`"${i} "`)) {
          native.step()
          await settle(1)
        }
      }
      expect(raw.text).not.toContain(': ping')
      for (let i = 1; i <= 3; i++) {
        vi.advanceTimersByTime(15_000)
        while (raw.text.split(': ping\n\n').length <= i) await settle(1)
      }
      await settle()
      expect(raw.text.match(/: ping\n\n/g)).toHaveLength(3)
      expect(textOf(raw.body)).toMatch(/^0 1 2 3 /)
    } finally {
      vi.useRealTimers()
    }
  })
})

test('text that piled up between two wake-ups is one chunk', async () => {
  const { native, client } = await serve({ pace: 'manual', script: () => ({ tokens: counting() }) })
  const raw = await client()
  raw.send(post(chatPath, story({ max_tokens: 30 })))
  await stepUntil(native, () => raw.text.includes('"0 "'))
  const hasAll = () => {
    return textOf(raw.body).split(' ').length - 1 === native.stats().tokensGenerated
  }
  await eventually(hasAll)
  const before = chunksOf(raw.body).length
  native.step(10)
  await eventually(hasAll)
  expect(chunksOf(raw.body)).toHaveLength(before + 1)
  expect(chunksOf(raw.body).at(-1)?.choices[0]?.delta.content).toMatch(/^(\d+ ){10}$/)
})
