import { describe, expect, test } from 'vitest'
import { eventually } from '../../support/eventually.js'
import type { FakeEmbedding } from '../../support/fake-embedder.js'
import { post } from '../../support/raw-client.js'
import { chat, closeAfterEach, type ServeOptions, serve, story } from '../../support/serve.js'
import { wireCheck } from '../../support/wire/checks.mjs'

// POST /v1/embeddings over the fake. test/e2e/http/embeddings.test.ts has it over the engine.

closeAfterEach()

const path = '/v1/embeddings'
const kind: FakeEmbedding = { size: 8, pooling: 'mean' }
const serving = (more: ServeOptions = {}) => serve({ embedding: kind, ...more })

function embed(url: string, body: object): Promise<Response> {
  return fetch(url + path, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'default', ...body }),
  })
}

interface Body {
  object: string
  model: string
  usage: object
  data: { object: string; index: number; embedding: number[] | string }[]
}

async function bodyOf(response: Promise<Response>): Promise<Body> {
  const answer = await response
  expect(answer.status).toBe(200)
  return (await answer.json()) as Body
}

test('the answer has a vector for each input, in order, and counts the tokens', async () => {
  const { url, native, log } = await serving()
  const body = await bodyOf(embed(url, { input: ['two words', 'and three words'] }))
  expect(body).toMatchObject({ object: 'list', model: 'default' })
  expect(body.usage).toEqual({ prompt_tokens: 5, total_tokens: 5 })
  expect(body.data.map(({ object, index }) => ({ object, index }))).toEqual([
    { object: 'embedding', index: 0 },
    { object: 'embedding', index: 1 },
  ])
  for (const { embedding } of body.data)
    expect(Math.hypot(...(embedding as number[]))).toBeCloseTo(1)
  expect(body.data[0]?.embedding).not.toEqual(body.data[1]?.embedding)
  expect(native.embedder.requests).toHaveLength(1)
  await eventually(() => log.length === 1)
  expect(log[0]).toMatchObject({ route: path, status: 200, outcome: 'done', promptTokens: 5 })
})

test('base64 holds the same floats, lowest byte first', async () => {
  const { url } = await serving()
  const plain = await bodyOf(embed(url, { input: ['a', 'b'] }))
  const coded = await bodyOf(embed(url, { input: ['a', 'b'], encoding_format: 'base64' }))
  for (const [i, { embedding }] of coded.data.entries()) {
    const bytes = Buffer.from(embedding as string, 'base64')
    const floats = Array.from({ length: bytes.length / 4 }, (_, at) => bytes.readFloatLE(at * 4))
    expect(floats).toEqual(plain.data[i]?.embedding)
  }
})

test.each([
  ['a text', 'the fox', ['the fox']],
  ['token ids', [5, 6, 7], [Int32Array.of(5, 6, 7)]],
  ['texts', ['the', 'fox'], ['the', 'fox']],
  ['lists of token ids', [[5], [6, 7]], [Int32Array.of(5), Int32Array.of(6, 7)]],
])('the input may be %s', async (_, input, inputs) => {
  const { url, native } = await serving()
  const { data } = await bodyOf(embed(url, { input, user: 'me', dimensions: null }))
  expect(data).toHaveLength(inputs.length)
  expect(native.embedder.requests.map((request) => request.inputs)).toEqual([inputs])
})

test('dimensions cuts the vectors, and they are of length 1 again', async () => {
  const { url } = await serving()
  const whole = await bodyOf(embed(url, { input: 'the fox' }))
  const cut = await bodyOf(embed(url, { input: 'the fox', dimensions: 3 }))
  const [long, short] = [whole, cut].map(({ data }) => data[0]?.embedding as number[])
  expect(short).toHaveLength(3)
  expect(Math.hypot(...(short ?? []))).toBeCloseTo(1)
  const norm = Math.hypot(...(long ?? []).slice(0, 3))
  expect(short?.[0]).toBeCloseTo((long?.[0] ?? 0) / norm)
})

const wrong: [name: string, body: object, param: string | null, message: RegExp][] = [
  ['a number as the model', { model: 7, input: 'a' }, 'model', /the name of a model/],
  ['no input', {}, 'input', /a string that is not empty.*but got nothing/],
  ['null as input', { input: null }, 'input', /but got null/],
  ['an empty text', { input: '' }, 'input', /not empty/],
  ['an empty text among others', { input: ['a', 'b', 'c', ''] }, 'input[3]', /not empty/],
  ['no inputs', { input: [] }, 'input', /1 to 2048/],
  ['2,049 inputs', { input: Array(2049).fill('a') }, 'input', /but got an array of 2049/],
  ['no token ids', { input: [[1], []] }, 'input[1]', /token ids/],
  ['a negative id', { input: [[1], [2, -3]] }, 'input[1][1]', /but got -3/],
  ['a text among ids', { input: [1, 'a'] }, 'input[1]', /but got "a"/],
  ['an id among texts', { input: ['a', 1] }, 'input[1]', /but got 1/],
  ['lists in lists', { input: [[[1]]] }, 'input[0]', /token ids/],
  ['another format', { input: 'a', encoding_format: 'int8' }, 'encoding_format', /"base64"/],
  ['no dimensions', { input: 'a', dimensions: 0 }, 'dimensions', /but got 0/],
  ['dimensions beyond the model’s', { input: 'a', dimensions: 9 }, 'dimensions', /1 to 8/],
]

describe(wireCheck(21), () => {
  test.each(wrong)('%s is a 400 at its place', async (_, body, param, message) => {
    const { url, native } = await serving()
    const response = await embed(url, body)
    expect(response.status).toBe(400)
    const { error } = (await response.json()) as { error: { message: string } }
    expect(error).toMatchObject({ type: 'invalid_request_error', param, code: null })
    expect(error.message).toMatch(message)
    expect(native.embedder.requests).toEqual([])
  })
})

test('300,000 wrong token ids are one issue, told at once', async () => {
  const { url } = await serving()
  const response = await embed(url, { input: Array(300_000).fill(-1) })
  expect(((await response.json()) as { error: object }).error).toMatchObject({ param: 'input[0]' })
})

test.each([
  [['short', 'too long'], 'input[1]'],
  ['too long', 'input'],
])('an input of %j that is too long is named: %s', async (input, param) => {
  const tooLong = {
    code: 'ERR_CONTEXT_LENGTH' as const,
    message: 'the input has 900 tokens, and this engine embeds at most 512',
    promptTokens: 900,
    contextTokens: 512,
  }
  const refuse: FakeEmbedding['refuse'] = (one) => (one === 'too long' ? tooLong : undefined)
  const { url } = await serving({ embedding: { ...kind, refuse } })
  const response = await embed(url, { input })
  expect(response.status).toBe(400)
  const { error } = (await response.json()) as { error: object }
  expect(error).toMatchObject({ param, code: 'context_length_exceeded', message: tooLong.message })
})

test('a model without embeddings is a 400 that blames the model', async () => {
  const { url, native } = await serve()
  const response = await embed(url, { input: 'a' })
  expect(response.status).toBe(400)
  const { error } = (await response.json()) as { error: object }
  expect(error).toMatchObject({ param: 'model', type: 'invalid_request_error', code: null })
  expect(native.embedder.requests).toEqual([])
})

test('an embedding model that is asked to chat is a 400 that blames the model', async () => {
  const { url, native } = await serving()
  const response = await chat(url, story())
  expect(response.status).toBe(400)
  const { error } = (await response.json()) as { error: { message: string } }
  expect(error).toMatchObject({ param: 'model', code: null })
  expect(error.message).toContain(path)
  expect(native.submitted).toEqual([])
})

describe(wireCheck(27, 29), () => {
  test('a client that hangs up has its inputs cancelled', async () => {
    const { native, client, log } = await serving({ pace: 'manual' })
    const raw = await client()
    raw.send(post(path, { model: 'default', input: ['a', 'b'] }))
    await eventually(() => native.embedder.waiting === 1)
    raw.socket.destroy()
    await eventually(() => native.embedder.waiting === 0)
    await eventually(() => log.length === 1)
    expect(log[0]).toMatchObject({ outcome: 'gone', status: 0 })
    native.step()
    expect(native.stats()).toMatchObject({ steps: 0, cancelled: 1, queued: 0 })
  })
})

describe(wireCheck(39), () => {
  test('a full queue answers 429 at once', async () => {
    const { url, native } = await serving({ pace: 'manual', engine: { parallel: 1, queue: 1 } })
    const waiting = [embed(url, { input: 'a' }), embed(url, { input: 'b' })]
    await eventually(() => native.embedder.waiting === 2)
    const refused = await embed(url, { input: 'c' })
    expect(refused.status).toBe(429)
    expect(refused.headers.get('retry-after')).toBe('1')
    native.step()
    for (const answer of waiting) expect((await answer).status).toBe(200)
  })
})

describe(wireCheck(38), () => {
  test('an engine that stands still is a 503', async () => {
    const server = { engineStallMs: 40 }
    const { url } = await serving({ pace: 'manual', server })
    const response = await embed(url, { input: 'a' })
    expect(response.status).toBe(503)
    expect(((await response.json()) as { error: object }).error).toMatchObject({
      code: 'engine_stalled',
    })
  })
})

test('a reply of 2,048 vectors leaves the event loop to others while it is written', async () => {
  const { url } = await serving({ embedding: { size: 512, pooling: 'cls' } })
  const gaps: number[] = []
  let last = performance.now()
  let isDone = false
  const turn = () => {
    gaps.push(performance.now() - last)
    last = performance.now()
    if (!isDone) setImmediate(turn)
  }
  const asked = embed(url, { input: Array(2048).fill('a') })
  setImmediate(turn)
  const text = await (await asked).text()
  isDone = true
  expect(text.length).toBeGreaterThan(15e6)
  expect(gaps.length).toBeGreaterThan(20)
})
