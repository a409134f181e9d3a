import OpenAI, { BadRequestError } from 'openai'
import { beforeAll, describe, expect, test } from 'vitest'
import { eventually } from '../../support/eventually.js'
import { encoderModel } from '../../support/models/encoder-model.js'
import { randomModel } from '../../support/models/random-model.js'
import { randomWords } from '../../support/random-words.js'
import { post } from '../../support/raw-client.js'
import { closeAfterEach } from '../../support/serve.js'
import { type ServedReal, serveReal, stepsAtLeave } from '../../support/serve-real.js'

// The official client on the real engine. test/e2e/clients has others.

closeAfterEach()

const input = ['The fox went home.', 'A day at the sea', randomWords(200, 1).join(' ')]

function clientOf({ url }: ServedReal): OpenAI {
  return new OpenAI({ apiKey: 'any', baseURL: `${url}/v1`, maxRetries: 0 })
}

describe.each([
  ['an encoder', () => encoderModel()],
  ['a decoder that pools', () => randomModel({ pooling: 3 })],
])('the client of %s', (_, model) => {
  let path: string
  beforeAll(() => {
    path = model()
  })

  test('gets the same floats by base64, which it asks for by default, and as numbers', async () => {
    const served = await serveReal({ model: path })
    const embeddings = clientOf(served).embeddings
    const usual = await embeddings.create({ model: 'default', input })
    const floats = await embeddings.create({ model: 'default', input, encoding_format: 'float' })
    expect(usual.data.map(({ index }) => index)).toEqual([0, 1, 2])
    expect(usual.usage.total_tokens).toBeGreaterThan(200)
    expect(usual.usage).toEqual(floats.usage)
    const inProcess = await served.engine.embed(input)
    for (const [i, { embedding }] of usual.data.entries()) {
      expect(embedding).toHaveLength(64)
      expect(Math.hypot(...embedding)).toBeCloseTo(1, 5)
      const pairs = [floats.data[i]?.embedding, [...(inProcess.embeddings[i] ?? [])]]
      for (const other of pairs) expect(other).toEqual(embedding)
    }
  })

  test('gets vectors cut to its dimensions, and an error that names its input', async () => {
    const served = await serveReal({ model: path, context: 64 })
    const { embeddings } = clientOf(served)
    const cut = await embeddings.create({ model: 'default', input: 'a fox', dimensions: 10 })
    expect(cut.data[0]?.embedding).toHaveLength(10)
    const error = await embeddings
      .create({ model: 'default', input })
      .catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(BadRequestError)
    expect(error).toMatchObject({ param: 'input[2]', code: 'context_length_exceeded' })
    const none = await embeddings
      .create({ model: 'default', input: [[1], [999_999]] })
      .catch((thrown: unknown) => thrown)
    expect(none).toMatchObject({ param: 'input[1]', code: null, status: 400 })
  })
})

test('a client that hangs up frees the engine for the next request', async () => {
  const served = await serveReal({ model: encoderModel({ layers: 4, embedding: 192, seed: 2 }) })
  const stepsWhenGone = stepsAtLeave(served)
  const raw = await served.client()
  const long = randomWords(400, 1).join(' ')
  raw.send(post('/v1/embeddings', { model: 'default', input: Array(300).fill(long) }))
  await eventually(() => served.engine.stats().steps > 0)
  raw.socket.destroy()
  await eventually(() => stepsWhenGone.length === 1)
  await served.quiet()
  const { steps, cancelled } = served.engine.stats()
  expect(cancelled).toBe(1)
  // One that was under way, and one that had begun before it was heard.
  expect(steps - (stepsWhenGone[0] ?? 0)).toBeLessThanOrEqual(2)
  await served.engine.embed('the next one')
  expect(served.engine.stats().steps).toBe(steps + 1)
})

test('a model that writes text has no embeddings, and says so', async () => {
  const served = await serveReal({ model: randomModel() })
  const error = await clientOf(served)
    .embeddings.create({ model: 'default', input: 'a' })
    .catch((thrown: unknown) => thrown)
  expect(error).toMatchObject({ status: 400, param: 'model' })
})
