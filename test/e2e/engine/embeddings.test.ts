import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import {
  ContextLengthError,
  type Engine,
  type InvalidRequestError,
  type LoadOptions,
  load,
} from '../../../src/index.js'
import { eventually } from '../../support/eventually.js'
import { encoderModel } from '../../support/models/encoder-model.js'
import { ggufBool, ggufUint32 } from '../../support/models/gguf-writer.js'
import { kindModel, MODEL_KINDS } from '../../support/models/model-kinds.js'
import { randomModel } from '../../support/models/random-model.js'
import { randomWords } from '../../support/random-words.js'
import { ownMemory } from '../../support/reliability/own-memory.js'

const ask = [{ role: 'user' as const, content: 'Tell me a story' }]

/** Texts of 1 to 120 words. */
const texts = [1, 3, 7, 12, 20, 33, 60, 120].map((words, i) => randomWords(words, i + 1).join(' '))

const engines: Engine[] = []
afterEach(async () => {
  await Promise.all(engines.splice(0).map((engine) => engine.close()))
})

async function loaded(options: LoadOptions): Promise<Engine> {
  const engine = await load(options)
  engines.push(engine)
  return engine
}

function cosine(a: Float32Array, b: Float32Array): number {
  const sum = (f: (i: number) => number) => a.reduce((total, _, i) => total + f(i), 0)
  const at = (vector: Float32Array, i: number) => vector[i] as number
  const norms = sum((i) => at(a, i) ** 2) * sum((i) => at(b, i) ** 2)
  return sum((i) => at(a, i) * at(b, i)) / Math.sqrt(norms)
}

async function one(engine: Engine, text: string): Promise<Float32Array> {
  const { embeddings } = await engine.embed(text)
  expect(embeddings).toHaveLength(1)
  return embeddings[0] as Float32Array
}

/** Sent again while it is refused: to prepare it may take longer than the engine's deadline. */
async function sentUntilBegun(engine: Engine, inputs: string[]) {
  for (;;) {
    let isRefused = false
    const embedding = engine.embed(inputs)
    embedding.catch(() => {
      isRefused = true
    })
    await eventually(() => isRefused || engine.stats().steps > 0, 'no call ended')
    if (!isRefused) return { embedding }
  }
}

// What comes while a call is under way is in queue/embeddings.test.ts.

/** An encoder that is busy for a while with each call of 512 rows. */
const slowEncoder = () => encoderModel({ layers: 4, embedding: 192, seed: 2 })
const long = randomWords(400, 1).join(' ')

describe.each([
  ['an encoder that takes the mean', () => encoderModel(), 'mean'],
  ['an encoder that takes the first', () => encoderModel({ pooling: 2 }), 'cls'],
  ['a decoder that takes the last', () => randomModel({ pooling: 3 }), 'last'],
  ['a decoder that takes the mean', () => randomModel({ pooling: 1 }), 'mean'],
  ['a decoder that looks ahead', () => randomModel({ pooling: 1, causal: false }), 'mean'],
] as const)('%s', (_, model, pooling) => {
  let engine: Engine
  beforeAll(async () => {
    engine = await load({ model: model(), parallel: 8 })
  })
  afterAll(() => engine.close())

  test('reports its size and how it pools', () => {
    expect(engine.model.embedding).toEqual({ size: 64, pooling })
  })

  test('promises no memory to a cache of conversations, which it has not', () => {
    expect(engine.settings.cacheMiB).toBe(0)
  })

  test('gives eight texts in one batch the vectors that each has alone', async () => {
    const before = engine.stats().steps
    const { embeddings, usage } = await engine.embed(texts)
    expect(engine.stats().steps - before).toBe(1)
    expect(embeddings).toHaveLength(texts.length)
    expect(usage.promptTokens).toBeGreaterThan(250)
    for (const [i, text] of texts.entries()) {
      expect(1 - cosine(await one(engine, text), embeddings[i] as Float32Array)).toBeLessThan(1e-4)
    }
  })

  test('gives another text another vector, and the same words in another order', async () => {
    const { embeddings } = await engine.embed([...texts, 'the fox saw her', 'her saw fox the'])
    for (const [i, a] of embeddings.entries()) {
      for (const b of embeddings.slice(i + 1)) expect(cosine(a, b)).toBeLessThan(0.9999)
    }
  })

  test('gives vectors of length 1, cut ones too', async () => {
    const whole = await engine.embed(texts)
    const cut = await engine.embed(texts, { dimensions: 16 })
    expect(cut.embeddings.map((vector) => vector.length)).toEqual(texts.map(() => 16))
    for (const vector of [...whole.embeddings, ...cut.embeddings]) {
      expect(Math.hypot(...vector)).toBeCloseTo(1, 5)
    }
    const [first] = whole.embeddings as [Float32Array]
    expect(cosine(first.slice(0, 16), cut.embeddings[0] as Float32Array)).toBeCloseTo(1, 5)
  })

  test('gives token ids the vector of the text they stand for', async () => {
    const ids = await engine.tokenize('the fox went home', { addSpecial: true })
    const { embeddings, usage } = await engine.embed([[...ids], 'the fox went home', ids])
    expect(usage.promptTokens).toBe(ids.length * 3)
    const [plain, text, typed] = embeddings as [Float32Array, Float32Array, Float32Array]
    expect(cosine(plain, text)).toBeCloseTo(1, 4)
    expect(cosine(typed, text)).toBeCloseTo(1, 4)
  })
})

describe.each(MODEL_KINDS)('a %s model that pools', (kind) => {
  test.each([1, 2, 3])(
    'gives texts together the vectors that they have alone, by pooling type %i',
    async (pooling) => {
      const engine = await loaded({ model: kindModel(kind, { pooling }), kvType: 'q8_0' })
      const { embeddings } = await engine.embed(texts)
      const oneByOne = kind === 'recurrent' || kind === 'hybrid'
      expect(engine.stats().steps).toBe(oneByOne ? texts.length : 1)
      for (const [i, text] of texts.entries()) {
        expect(1 - cosine(await one(engine, text), embeddings[i] as Float32Array)).toBeLessThan(
          1e-4,
        )
      }
      // The first row of a decoder has seen nothing but itself.
      if (pooling === 2) return
      const [a, b] = embeddings as [Float32Array, Float32Array]
      expect(cosine(a, b)).toBeLessThan(0.99)
    },
  )
})

describe('a call', () => {
  test('that takes long is seen to go on', async () => {
    // Each takes longer than an engine in a process of its own is silent.
    const model = encoderModel({ layers: 40, embedding: 384, seed: 2 })
    const engine = await loaded({ model })
    const calls = 8 // so that one of them is met, however late this thread looks
    const embedding = engine.embed(Array.from({ length: calls }, () => long))
    let begun = engine.stats()
    // More than the turns of the loop around it.
    await eventually(() => {
      const now = engine.stats()
      if (now.steps !== begun.steps) begun = now
      return now.beats > begun.beats + 20
    })
    await embedding
    expect(engine.stats().steps).toBe(calls)
  })

  test('holds up to 512 rows, and 64 inputs or as many as parallel says', async () => {
    const few = await loaded({ model: encoderModel() })
    await few.embed(Array.from({ length: 130 }, () => 'a')) // 3 tokens each, with [CLS] and [SEP]
    expect(few.stats()).toMatchObject({ steps: 3, rowsDecoded: 390, rowsPrefilled: 390 })
    const many = await loaded({ model: encoderModel(), parallel: 256 })
    await many.embed(Array.from({ length: 130 }, () => 'a'))
    expect(many.stats()).toMatchObject({ steps: 1, rowsDecoded: 390 })
    const before = few.stats().steps
    await few.embed([long, long, long])
    expect(few.stats().steps - before).toBe(3)
  })

  test('keeps no room for logits, which would take as much as rows x vocabulary', async () => {
    const engine = await loaded({ model: encoderModel() })
    await engine.embed(randomWords(20, 1).join(' '))
    const before = ownMemory().native
    const { usage } = await engine.embed(randomWords(450, 1).join(' '))
    const room = usage.promptTokens * 30_522 * 4
    expect(room).toBeGreaterThan(48 * 2 ** 20)
    expect(ownMemory().native - before).toBeLessThan(room / 2)
  })

  test('holds an input as long as the context, beyond the usual rows', async () => {
    const engine = await loaded({ model: encoderModel({ context: 2048 }) })
    expect(engine.settings.context).toBe(2048)
    const words = randomWords(1500, 3).join(' ')
    const { usage } = await engine.embed([words, 'short', words])
    expect(usage.promptTokens).toBeGreaterThan(3000)
    expect(engine.stats().steps).toBe(3) // 'short' finds no room beside either
  })
})

describe('an input says what is wrong', () => {
  test('when it is too long, with both numbers and which one', async () => {
    const engine = await loaded({ model: encoderModel() })
    const tooLong = randomWords(600, 1).join(' ')
    const error = (await engine
      .embed(['short', tooLong])
      .catch((thrown: unknown) => thrown)) as ContextLengthError
    expect(error).toBeInstanceOf(ContextLengthError)
    expect(error).toMatchObject({ code: 'ERR_CONTEXT_LENGTH', contextTokens: 512, input: 1 })
    expect(error.promptTokens).toBeGreaterThan(600)
    expect(engine.stats()).toMatchObject({ started: 1, failed: 1, steps: 0 })
  })

  test('when the context is set lower; above the model’s own it is never', async () => {
    const low = await loaded({ model: encoderModel(), context: 32 })
    await expect(low.embed(long)).rejects.toMatchObject({ contextTokens: 32 })
    const high = await loaded({ model: encoderModel(), context: 4096 })
    expect(high.settings.context).toBe(512)
  })

  test('when a token id is not in the vocabulary', async () => {
    const engine = await loaded({ model: encoderModel() })
    const error = (await engine
      .embed([[1], [2], [30_522]])
      .catch((thrown: unknown) => thrown)) as InvalidRequestError
    expect(error).toMatchObject({ code: 'ERR_INVALID_REQUEST', input: 2 })
    expect(error.message).toContain('30522')
  })

  test.each([
    ['an empty text', '', 'input'],
    ['an empty text among others', ['a', ''], 'input[1]'],
    ['no input', [], 'input'],
    ['no token ids', [[1], []], 'input[1]'],
    ['half an id', [1, 2.5], 'input[1]'],
    ['a negative id among others', ['a', [3, -1]], 'input[1][1]'],
    ['an object', { text: 'a' }, 'input'],
    ['2,049 inputs', Array.from({ length: 2049 }, () => 'a'), 'input'],
  ])('before it gets anywhere: %s', async (_, input, option) => {
    const engine = await loaded({ model: encoderModel() })
    await expect(engine.embed(input as never)).rejects.toMatchObject({
      code: 'ERR_INVALID_OPTION',
      option,
    })
    expect(engine.stats().started).toBe(0)
  })

  test('with dimensions that the model does not have', async () => {
    const engine = await loaded({ model: encoderModel() })
    for (const dimensions of [0, 65, 1.5]) {
      await expect(engine.embed('a', { dimensions })).rejects.toMatchObject({
        option: 'dimensions',
      })
    }
  })
})

describe('a request', () => {
  test('that is aborted is not computed any further', async () => {
    const engine = await loaded({ model: slowEncoder() })
    const controller = new AbortController()
    const inputs = Array.from({ length: 500 }, () => long)
    const embedding = engine.embed(inputs, { signal: controller.signal })
    await eventually(() => engine.stats().steps >= 2, 'no two calls ended')
    controller.abort('enough')
    await expect(embedding).rejects.toMatchObject({ code: 'ERR_CANCELLED', cause: 'enough' })
    await eventually(() => engine.stats().cancelled === 1, 'it was computed on')
    const { steps, running, queued } = engine.stats()
    expect({ running, queued }).toEqual({ running: 0, queued: 0 })
    expect(steps).toBeLessThan(100)
    await engine.embed('the next one')
    expect(engine.stats()).toMatchObject({ steps: steps + 1, finished: 1 })
  })

  test('whose signal fired before is never begun', async () => {
    const engine = await loaded({ model: encoderModel() })
    const signal = AbortSignal.abort('no')
    await expect(engine.embed('a', { signal })).rejects.toMatchObject({ code: 'ERR_CANCELLED' })
    expect(engine.stats().started).toBe(0)
  })

  test('beyond the queue is refused at once', async () => {
    const engine = await loaded({ model: slowEncoder(), parallel: 1, queue: 2 })
    const waiting = [1, 2, 3].map(() => engine.embed(Array.from({ length: 2 }, () => long)))
    await expect(engine.embed('a')).rejects.toMatchObject({ code: 'ERR_OVERLOADED' })
    await Promise.all(waiting)
    await engine.embed('a')
    expect(engine.stats()).toMatchObject({ started: 4, finished: 4 })
  })

  test('whose turn does not come in time is let go', async () => {
    const engine = await loaded({ model: slowEncoder(), queueDeadlineMs: 1 })
    const first = await sentUntilBegun(
      engine,
      Array.from({ length: 10 }, () => long),
    )
    const late = engine.embed(long).catch(() => undefined) // its turn may come in time
    const later = engine.embed(long)
    await expect(later).rejects.toMatchObject({ code: 'ERR_QUEUE_TIMEOUT' })
    await late
    expect((await first.embedding).embeddings).toHaveLength(10)
  })

  test('fails at close() where it is under way, and where it comes later', async () => {
    const engine = await load({ model: slowEncoder() })
    const embeddings = [1, 2, 3].map(() => engine.embed(Array.from({ length: 50 }, () => long)))
    await eventually(() => engine.stats().steps > 0)
    await Promise.all([
      engine.close(),
      ...embeddings.map((one) => expect(one).rejects.toMatchObject({ code: 'ERR_CLOSED' })),
    ])
    await expect(engine.embed('a')).rejects.toMatchObject({ code: 'ERR_CLOSED' })
  })
})

describe('an engine does one of the two', () => {
  test('one that embeds answers no chat, and says so', async () => {
    const engine = await loaded({ model: randomModel({ pooling: 3 }) })
    for (const reply of [engine.chat(ask), engine.complete('Once')]) {
      await expect(reply.done).rejects.toMatchObject({
        code: 'ERR_INVALID_REQUEST',
        message: expect.stringContaining('embed()'),
      })
    }
    expect(engine.stats()).toMatchObject({ started: 2, failed: 2 })
  })

  test('one that generates has no embeddings, and says so', async () => {
    const engine = await loaded({ model: randomModel() })
    expect(engine.model.embedding).toBeUndefined()
    await expect(engine.embed('a')).rejects.toMatchObject({
      code: 'ERR_INVALID_REQUEST',
      message: expect.stringContaining('no embeddings'),
    })
    expect(engine.stats()).toMatchObject({ started: 1, failed: 1, steps: 0 })
  })

  test('a model that can do both does what it is told, in two engines at once', async () => {
    const model = randomModel({ pooling: 3 })
    const writer = await loaded({ model, embeddings: false })
    const reader = await loaded({ model, embeddings: true })
    const text = await writer.chat(ask, { maxTokens: 5, ignoreEos: true }).text()
    expect(text).not.toBe('')
    expect((await reader.embed(text)).embeddings[0]).toHaveLength(64)
  })

  test.each([
    ['an encoder that is to generate', () => encoderModel(), false, /cannot generate text/],
    ['an encoder without pooling', () => encoderModel({ pooling: null }), undefined, /no pooling/],
    ['a generator that is to embed', () => randomModel(), true, /no pooling type/],
    [
      'a reranker without a head',
      () => encoderModel({ pooling: 4, head: false }),
      undefined,
      /head/,
    ],
    ['a pooling type of nobody', () => encoderModel({ pooling: 9 }), undefined, /type 9/],
    ['another one', () => randomModel({ pooling: 4_294_967_295 }), undefined, /pooling type/],
    [
      'an encoder that calls itself causal, and has no pooling',
      () => encoderModel({ pooling: null, keys: { 'attention.causal': ggufBool(true) } }),
      undefined,
      /cannot generate text/,
    ],
    [
      'embeddings longer than they are',
      () => encoderModel({ keys: { embedding_length_out: ggufUint32(100_000) } }),
      undefined,
      /another length/,
    ],
  ])('%s is refused when it is loaded', async (_, model, embeddings, message) => {
    const options = embeddings === undefined ? {} : { embeddings }
    await expect(load({ model: model(), ...options })).rejects.toMatchObject({
      code: 'ERR_MODEL_INVALID',
      message: expect.stringMatching(message),
    })
  })

  test.each(['token_types.weight', 'token_embd_norm.weight', 'blk.1.layer_output_norm.bias'])(
    'an encoder whose %s is not F32 is refused when it is loaded',
    async (name) => {
      for (const type of ['f16', 'q8_0'] as const) {
        await expect(
          load({ model: encoderModel({ types: { [name]: type } }) }),
        ).rejects.toMatchObject({
          code: 'ERR_MODEL_INVALID',
          message: expect.stringContaining(`tensor ${name} has type`),
        })
      }
    },
  )

  test('matrices of an encoder may be of other types', async () => {
    const types = { 'position_embd.weight': 'q8_0', 'blk.0.attn_q.weight': 'f16' } as const
    const reader = await loaded({ model: encoderModel({ types }) })
    expect((await reader.embed('x')).embeddings[0]).toHaveLength(64)
  })

  test('an encoder that calls itself causal still embeds', async () => {
    const model = encoderModel({ keys: { 'attention.causal': null } })
    const engine = await loaded({ model })
    const { embeddings } = await engine.embed(texts)
    expect(
      1 - cosine(await one(engine, texts[3] as string), embeddings[3] as Float32Array),
    ).toBeLessThan(1e-4)
  })

  test('an encoder drafts nothing, neither for itself nor for another', async () => {
    const model = encoderModel()
    await expect(load({ model, lookup: true })).rejects.toMatchObject({ code: 'ERR_MODEL_INVALID' })
    await expect(load({ model: randomModel(), draft: model })).rejects.toMatchObject({
      code: 'ERR_MODEL_INVALID',
    })
  })

  test('vectors that are no numbers are an error, not a reply', async () => {
    const engine = await loaded({ model: encoderModel({ lastNorm: Number.POSITIVE_INFINITY }) })
    await expect(engine.embed(['a', 'b'])).rejects.toMatchObject({ code: 'ERR_ENGINE_FAILED' })
    expect(engine.stats()).toMatchObject({ started: 1, failed: 1, running: 0 })
  })

  test('more than memory holds is refused before it is taken', async () => {
    const model = randomModel({ pooling: 3, context: 2 ** 24 })
    await expect(load({ model, context: 2 ** 24 })).rejects.toMatchObject({
      code: 'ERR_OUT_OF_MEMORY',
    })
  })
})
