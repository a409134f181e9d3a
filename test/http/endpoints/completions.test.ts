import OpenAI from 'openai'
import { describe, expect, test } from 'vitest'
import type { ErrorBody } from '../../../src/apis/openai/errors.js'
import type { NativeRequest } from '../../../src/binding/engine-port.js'
import { eventually } from '../../support/eventually.js'
import type { Script } from '../../support/fake-binding.js'
import { tokenBytes } from '../../support/fake-engine.js'
import { cpuMsOf } from '../../support/processor/cpu-time.js'
import { post } from '../../support/raw-client.js'
import { closeAfterEach, counting, postJson, serve, stepUntil } from '../../support/serve.js'
import { framesOf } from '../../support/sse.js'

// POST /v1/completions, over the fake engine: its vocabulary has 512 tokens, and their text is
// that of their code points.

closeAfterEach()

const path = '/v1/completions'
const ask = (more: object = {}) => ({ model: 'default', prompt: 'Once', ...more })

interface Frame {
  id: string
  object: string
  choices: { text: string; index: number; logprobs: unknown; finish_reason: string | null }[]
  usage?: { prompt_tokens: number; completion_tokens: number } | null
  error?: { type: string; code: string }
}

function framesIn(text: string): Frame[] {
  const data = framesOf(text).filter((frame) => frame !== 'data: [DONE]')
  return data.map((frame) => JSON.parse(frame.slice('data: '.length)) as Frame)
}

/** The text of each choice. */
function textsIn(frames: readonly { choices: Frame['choices'] }[]): string[] {
  const texts: string[] = []
  for (const { index, text } of frames.flatMap(({ choices }) => choices)) {
    texts[index] = (texts[index] ?? '') + text
  }
  return texts
}

/** Says its prompt and its seed. */
function parrot({ prompt, seed }: NativeRequest): Script {
  const said = prompt instanceof Int32Array ? `[${prompt.join()}]` : JSON.stringify(prompt)
  return { tokens: [said, ' ', `${seed}`], promptTokens: 2, cachedTokens: 1 }
}

test('a prompt is continued, streamed and not, and the text is the same', async () => {
  const { url, native } = await serve()
  const whole = (await (await postJson(url, path, ask())).json()) as Frame
  expect(whole).toMatchObject({
    id: expect.stringMatching(/^cmpl-/),
    object: 'text_completion',
    model: 'default',
    choices: [{ text: 'Once upon a time.', index: 0, logprobs: null, finish_reason: 'stop' }],
    usage: { prompt_tokens: 1, completion_tokens: 4, total_tokens: 5 },
  })
  const response = await postJson(url, path, ask({ stream: true }))
  expect(response.headers.get('content-type')).toBe('text/event-stream; charset=utf-8')
  const text = await response.text()
  expect(text.endsWith('data: [DONE]\n\n')).toBe(true)
  const frames = framesIn(text)
  expect(textsIn(frames)).toEqual(['Once upon a time.'])
  expect(frames.every(({ object }) => object === 'text_completion')).toBe(true)
  expect(frames.every((frame) => !('usage' in frame))).toBe(true)
  const reasons = frames.map(({ choices }) => choices[0]?.finish_reason)
  expect(reasons.filter((reason) => reason !== null)).toEqual(['stop'])
  expect(reasons.at(-1)).toBe('stop')
  expect(native.submitted.map(({ prompt, maxTokens }) => [prompt, maxTokens])).toEqual([
    ['Once', 16],
    ['Once', 16],
  ])
})

test('the four forms of a prompt reach the engine as what they are', async () => {
  const { url, native } = await serve()
  for (const prompt of ['Once', ['a', 'b'], [1, 2, 3], [[4], [5, 6]]]) {
    expect((await postJson(url, path, ask({ prompt }))).status).toBe(200)
  }
  expect(native.submitted.map(({ prompt }) => prompt)).toEqual([
    'Once',
    'a',
    'b',
    Int32Array.of(1, 2, 3),
    Int32Array.of(4),
    Int32Array.of(5, 6),
  ])
})

test.each([true, false])('choices are numbered prompt by prompt, stream: %j', async (stream) => {
  const { url } = await serve({ script: parrot })
  const body = ask({ prompt: ['a', 'b'], n: 2, seed: 7, stream })
  const text = await (await postJson(url, path, body)).text()
  const texts = textsIn(stream ? framesIn(text) : [JSON.parse(text) as Frame])
  expect(texts).toEqual(['"a" 7', '"a" 8', '"b" 7', '"b" 8'])
})

test('the usage is that of all choices, with each prompt counted once', async () => {
  const { url } = await serve({ script: parrot })
  const more = { prompt: ['a', 'b', 'c'], n: 2 }
  const usage = {
    prompt_tokens: 6,
    completion_tokens: 18,
    total_tokens: 24,
    prompt_tokens_details: { cached_tokens: 3 },
  }
  expect(await (await postJson(url, path, ask(more))).json()).toMatchObject({ usage })
  const asked = ask({ ...more, stream: true, stream_options: { include_usage: true } })
  const frames = framesIn(await (await postJson(url, path, asked)).text())
  expect(frames.at(-1)).toMatchObject({ choices: [], usage })
  expect(frames.slice(0, -1).every((frame) => frame.usage === null)).toBe(true)
})

test.each([true, false])('echo puts the prompt in front, stream: %j', async (stream) => {
  const { url } = await serve()
  for (const [prompt, texts] of [
    [
      ['Well. ', ''],
      ['Well. Once upon a time.', 'Once upon a time.'],
    ],
    [[104, 105], ['hiOnce upon a time.']],
  ] as const) {
    const text = await (await postJson(url, path, ask({ prompt, echo: true, stream }))).text()
    expect(textsIn(stream ? framesIn(text) : [JSON.parse(text) as Frame])).toEqual(texts)
  }
})

test('headers come before the prompt is computed, and no frame is invented for them', async () => {
  const { native, client } = await serve({ pace: 'manual' })
  const raw = await client()
  raw.send(post(path, ask({ stream: true })))
  await eventually(() => native.submitted.length === 1)
  native.step()
  await raw.seen('text/event-stream')
  expect(native.stats().tokensGenerated).toBe(0)
  expect(raw.text).not.toContain('data:')
})

test('logprobs are parallel arrays, and their offsets are characters of the text', async () => {
  const entry = (text: string, logprob: number) => ({
    id: 7,
    bytes: tokenBytes(text),
    logprob,
  })
  const half = { id: 7, bytes: '\xf0\x9f', logprob: -3 }
  const tokens = [
    { text: '🦊é', logprobs: [{ ...entry('🦊é', -0.5), top: [entry('x', -0.25)] }] },
    { text: 'a', logprobs: [{ ...entry('a', -1), top: [entry('a', -1), half] }] },
  ]
  const { url, native } = await serve({ script: () => ({ tokens }) })
  const told = {
    tokens: ['🦊é', 'a'],
    token_logprobs: [-0.5, -1],
    top_logprobs: [
      { x: -0.25, '🦊é': -0.5 },
      { a: -1, 'bytes:\\xf0\\x9f': -3 },
    ],
    text_offset: [0, 2],
  }
  const whole = (await (await postJson(url, path, ask({ logprobs: 2 }))).json()) as Frame
  expect(whole.choices[0]?.logprobs).toEqual(told)
  const streamed = await postJson(url, path, ask({ logprobs: 2, stream: true }))
  const columns = framesIn(await streamed.text()).flatMap(({ choices }) =>
    choices.flatMap(({ logprobs }) => (logprobs === null ? [] : [logprobs as typeof told])),
  )
  for (const key of ['tokens', 'token_logprobs', 'top_logprobs', 'text_offset'] as const) {
    expect(columns.flatMap((one): unknown[] => one[key])).toEqual(told[key])
  }
  expect(native.submitted.map(({ logprobs }) => logprobs)).toEqual([2, 2])
})

test('an infinite logprob is the number that OpenAI has for it', async () => {
  const bytes = 'a'
  const never = { id: 7, bytes, logprob: Number.NEGATIVE_INFINITY }
  const { url } = await serve({
    script: () => ({ tokens: [{ logprobs: [{ ...never, top: [] }] }] }),
  })
  const whole = (await (await postJson(url, path, ask({ logprobs: 0 }))).json()) as Frame
  expect(whole.choices[0]?.logprobs).toMatchObject({ token_logprobs: [-9999] })
})

test.each([
  [{ prompt: undefined }, 'prompt'],
  [{ prompt: null }, 'prompt'],
  [{ prompt: [] }, 'prompt'],
  [{ prompt: {} }, 'prompt'],
  [{ prompt: [true] }, 'prompt[0]'],
  [{ prompt: ['a', 1] }, 'prompt[1]'],
  [{ prompt: [1, 'a'] }, 'prompt[1]'],
  [{ prompt: [1, 2.5] }, 'prompt[1]'],
  [{ prompt: [-1] }, 'prompt[0]'],
  [{ prompt: [1, 512] }, 'prompt[1]'],
  [{ prompt: [[1], []] }, 'prompt[1]'],
  [{ prompt: [[1], [2, 'a']] }, 'prompt[1][1]'],
  [{ prompt: [[1], [2, 512]] }, 'prompt[1][1]'],
  [{ prompt: Array(69).fill('a') }, 'prompt'],
  [{ prompt: Array(2049).fill('a') }, 'prompt'],
  [{ prompt: Array(35).fill('a'), n: 2 }, 'prompt'],
  [{ n: 0 }, 'n'],
  [{ n: 5 }, 'n'],
  [{ n: 1e9 }, 'n'],
  [{ best_of: 2 }, 'best_of'],
  [{ n: 2, best_of: 1 }, 'best_of'],
  [{ logprobs: 21 }, 'logprobs'],
  [{ logprobs: 'yes' }, 'logprobs'],
  [{ echo: 1 }, 'echo'],
  [{ suffix: 7 }, 'suffix'],
  [{ suffix: 'x' }, 'suffix'],
  [{ max_tokens: -2 }, 'max_tokens'],
  [{ stop: Array.from({ length: 17 }, String) }, 'stop'],
  [{ temperature: 300 }, 'temperature'],
  [{ stream_options: { include_usage: true } }, 'stream_options'],
  [{ model: 7 }, 'model'],
])('%j is a 400 that names %j, and nothing is submitted', async (more, param) => {
  const { url, native } = await serve()
  const response = await postJson(url, path, ask(more))
  expect(response.status).toBe(400)
  const { error } = (await response.json()) as ErrorBody
  expect(error).toMatchObject({ type: 'invalid_request_error', param, code: null })
  expect(error.message).toMatch(/expected/i)
  expect(native.submitted).toEqual([])
})

test('best_of that is n, nulls, and an empty suffix ask for nothing', async () => {
  const { url } = await serve()
  const nulls = ['suffix', 'echo', 'n', 'best_of', 'logprobs', 'stop', 'max_tokens', 'seed']
  const none = Object.fromEntries(nulls.map((name) => [name, null]))
  for (const more of [none, { n: 2, best_of: 2 }, { suffix: '' }, { echo: false, logprobs: 0 }]) {
    expect((await postJson(url, path, ask(more))).status).toBe(200)
  }
})

test('a body full of ids, or of mistakes, is looked through at once', async () => {
  const { url } = await serve()
  for (const [count, what] of [
    [250_000, 600],
    [200_000, 'a'],
    [300_000, -1],
  ] as const) {
    const prompt = Array(count).fill(what)
    const cpuMs = await cpuMsOf(async () => {
      expect((await postJson(url, path, ask({ prompt }))).status).toBe(400)
    })
    expect(cpuMs).toBeLessThan(1000)
  }
})

describe('several prompts of one request', () => {
  const failure = { code: 'ERR_ENGINE_FAILED' as const, message: 'llama.cpp failed' }
  const tooLong = { code: 'ERR_CONTEXT_LENGTH' as const, message: 'too long' }

  test('name one that cannot be taken, and the others never run', async () => {
    const script = ({ prompt }: NativeRequest): Script => {
      return prompt === 'bad' ? { tokens: [], refuse: tooLong } : { tokens: counting() }
    }
    const { url, native } = await serve({ script, engine: { parallel: 2 } })
    for (const stream of [true, false]) {
      const body = ask({ prompt: ['a', 'bad', 'c'], stream, max_tokens: 1000 })
      const response = await postJson(url, path, body)
      expect(response.status).toBe(400)
      const { error } = (await response.json()) as ErrorBody
      expect(error).toMatchObject({ param: 'prompt[1]', code: 'context_length_exceeded' })
    }
    await eventually(() => native.stats().running + native.stats().queued === 0)
    expect(native.stats()).toMatchObject({ cancelled: 4, failed: 2 })
  })

  test.each([true, false])('end all with one that fails, stream: %j', async (stream) => {
    const script = ({ prompt }: NativeRequest): Script => {
      return prompt === 'bad' ? { tokens: ['x'], end: failure } : { tokens: counting() }
    }
    const { url, native } = await serve({ script })
    const body = ask({ prompt: ['a', 'bad', 'c'], stream, max_tokens: 100_000 })
    const response = await postJson(url, path, body)
    expect(response.status).toBe(stream ? 200 : 500)
    const text = await response.text()
    expect(text).not.toContain('[DONE]')
    const error = stream ? framesIn(text).at(-1)?.error : (JSON.parse(text) as ErrorBody).error
    expect(error).toMatchObject({ type: 'server_error', code: 'engine_failed' })
    if (stream) expect(text).not.toContain('"finish_reason":"')
    await eventually(() => native.stats().cancelled === 2)
  })

  test('end all with a client that leaves', async () => {
    const script = () => ({ tokens: counting() })
    const { native, client } = await serve({ pace: 'manual', script })
    const raw = await client()
    raw.send(post(path, ask({ prompt: ['a', 'b'], n: 2, stream: true, max_tokens: 1000 })))
    await stepUntil(native, () => raw.text.includes('"index":3'))
    raw.reset()
    await eventually(() => native.cancelled.length === 4)
    native.step()
    expect(native.stats()).toMatchObject({ running: 0, queued: 0, cancelled: 4 })
  })

  test('are a 429 where they are more than run and wait now, and none of them stays', async () => {
    const { url, native } = await serve({ pace: 'manual', engine: { parallel: 1, queue: 2 } })
    const first = postJson(url, path, ask())
    await eventually(() => native.submitted.length === 1)
    const response = await postJson(url, path, ask({ prompt: ['a', 'b', 'c'] }))
    expect(response.status).toBe(429)
    await stepUntil(native, () => native.stats().finished === 1)
    expect((await first).status).toBe(200)
    expect(native.stats()).toMatchObject({ running: 0, queued: 0 })
  })

  test('are all held by a reader that stops, and get every character later', async () => {
    const token = '.'.repeat(100_000)
    const tokens = Array(30).fill(token)
    const warnings: string[] = []
    const warned = ({ name }: Error) => warnings.push(name)
    process.on('warning', warned)
    const engine = { parallel: 12, window: 4 }
    const { native, client } = await serve({ pace: 'manual', script: () => ({ tokens }), engine })
    const raw = await client({ reads: false })
    raw.send(post(path, ask({ prompt: Array(12).fill('a'), stream: true, max_tokens: 1000 })))
    await stepUntil(native, () => native.stats().parked === 12)
    raw.read()
    // To look through all of it again and again takes longer than to send it.
    const last = () => Buffer.concat(raw.segments.slice(-2)).subarray(-200).toString()
    await stepUntil(native, () => last().includes('[DONE]'))
    process.off('warning', warned)
    expect(textsIn(framesIn(raw.body)).map((text) => text.length)).toEqual(
      Array(12).fill(3_000_000),
    )
    expect(warnings).toEqual([])
  })

  test('are served one after the other where they are more than the slots at once', async () => {
    const { url } = await serve({ script: parrot, engine: { parallel: 2 } })
    const prompt = Array.from({ length: 30 }, (_, i) => `p${i}`)
    const body = ask({ prompt, stream: true, seed: 1 })
    const texts = textsIn(framesIn(await (await postJson(url, path, body)).text()))
    expect(texts).toEqual(prompt.map((one) => `"${one}" 1`))
  })
})

test('keys that are isolated keep their prompts apart in completions too', async () => {
  const server = { apiKeys: ['key-1', 'key-2'], isolateKeys: true }
  const { url, native } = await serve({ server })
  for (const key of server.apiKeys) {
    const headers = { authorization: `Bearer ${key}` }
    expect((await postJson(url, path, ask(), headers)).status).toBe(200)
  }
  const [first, second] = native.submitted.map(({ cacheSalt }) => cacheSalt)
  expect(first).not.toBe(second)
  expect(first).not.toBe('')
})

test('the official client reads streamed and whole completions', async () => {
  const { url } = await serve({ server: { apiKeys: ['your-api-key'] } })
  const client = new OpenAI({ apiKey: 'your-api-key', baseURL: `${url}/v1`, maxRetries: 0 })
  const whole = await client.completions.create({ model: 'default', prompt: 'Once' })
  expect(whole.choices[0]?.text).toBe('Once upon a time.')
  const stream = await client.completions.create({ model: 'default', prompt: 'Once', stream: true })
  let text = ''
  for await (const chunk of stream) text += chunk.choices[0]?.text ?? ''
  expect(text).toBe('Once upon a time.')
  const wrong = client.completions.create({ model: 'default', prompt: 'Once', best_of: 3 })
  await expect(wrong).rejects.toMatchObject({ status: 400, param: 'best_of' })
})
