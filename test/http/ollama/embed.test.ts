import { describe, expect, test } from 'vitest'
import { closeAfterEach, serve } from '../../support/serve.js'
import { ask } from '../../support/wire/ollama.js'

// POST /api/embed and /api/embeddings over the fake.

closeAfterEach()

const embedder = { embedding: { size: 4, pooling: 'mean' } as const }

async function embed(path: string, body: object, engine: object = {}) {
  const served = await serve({ ...embedder, engine })
  const response = await ask(served.url, path, body)
  const answer = (await response.json()) as Record<string, unknown>
  return { ...served, response, answer }
}

test('a vector comes for each text, with the count of their tokens', async () => {
  const { answer } = await embed('embed', { model: 'fake:latest', input: ['one two', 'three'] })
  const { embeddings, ...rest } = answer
  expect((embeddings as number[][]).map((vector) => vector.length)).toEqual([4, 4])
  expect(rest).toEqual({
    model: 'fake:latest',
    total_duration: expect.any(Number),
    load_duration: expect.any(Number),
    prompt_eval_count: expect.any(Number),
  })
})

test('vectors may be shorter, and the older endpoint has one', async () => {
  const short = await embed('embed', { input: 'one', dimensions: 2, options: { num_ctx: 9 } })
  expect((short.answer.embeddings as number[][])[0]).toHaveLength(2)
  expect(short.response.headers.get('x-sluice-notes')).toBe(null)
  const { answer } = await embed('embeddings', { prompt: 'one' })
  expect(answer).toEqual({ embedding: [expect.any(Number), ...Array(3).fill(expect.any(Number))] })
})

test('without a text the model is loaded', async () => {
  for (const input of ['', [], null]) {
    expect((await embed('embed', { input })).answer).toEqual({ model: 'fake', embeddings: [] })
  }
  expect((await embed('embeddings', {})).answer).toEqual({ embedding: [] })
})

describe('a text that is longer than the context', () => {
  const engine = { context: 32 }
  const input = ['short', 'x'.repeat(40)]

  test('is cut where that is asked for, and the answer says so', async () => {
    const { response, native } = await embed('embed', { input, truncate: true }, engine)
    expect(response.status).toBe(200)
    const [first, second] = native.embedder.requests.flatMap(({ inputs }) => inputs)
    expect([first, second]).toEqual(['short', new Int32Array(32).fill(120)])
    expect(response.headers.get('x-sluice-notes')).toBe(
      'input[1]: 40 tokens, of which 32 fit; taken as: the first of them',
    )
  })
})
