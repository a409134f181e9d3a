import { afterEach, describe, expect, test } from 'vitest'
import { type Engine, type LoadOptions, load, type TokenLogprobs } from '../../../../src/index.js'
import { kindModel } from '../../../support/models/model-kinds.js'
import { randomModel } from '../../../support/models/random-model.js'
import { randomWords } from '../../../support/random-words.js'

// Each type of the KV cache against f16: how far the model's own distribution moves, and that what
// is remembered of a text is what was computed of it.

const types = ['f16', 'bf16', 'q8_0', 'q4_0'] as const
type KvType = (typeof types)[number]

/** Of a token's logprob, the mean: bf16 has three bits less than f16, q4_0 four less than q8_0. */
const lossMax: Record<KvType, number> = { f16: 1e-6, bf16: 0.15, q8_0: 0.15, q4_0: 0.8 }

const engines: Engine[] = []
afterEach(async () => {
  for (const engine of engines.splice(0)) await engine.close()
})

async function opened(kvType: KvType, options: Partial<LoadOptions> = {}): Promise<Engine> {
  const settled = { model: kindModel('plain'), context: 1024, threads: 1, kvType, ...options }
  const engine = await load(settled)
  engines.push(engine)
  return engine
}

const prompt = randomWords(300, 1).join(' ')

/** The greedy reply's tokens with how likely they and the next four were. */
async function logprobs(engine: Engine, maxTokens: number): Promise<TokenLogprobs[]> {
  const tokens: TokenLogprobs[] = []
  const reply = engine.complete(prompt, { maxTokens, temperature: 0, logprobs: 5 })
  for await (const part of reply) tokens.push(...(part.logprobs ?? []))
  return tokens
}

/** Mean difference of the top five's logarithms, row by row, while both say the same. */
async function loss(kvType: KvType, options: Partial<LoadOptions> = {}): Promise<number> {
  const trained = { model: 'models/storyteller.gguf', ...options }
  const [own, f16] = [await opened(kvType, trained), await opened('f16', trained)]
  const [one, other] = [await logprobs(own, 40), await logprobs(f16, 40)]
  const differences: number[] = []
  for (const [row, { token, top }] of one.entries()) {
    const expected = other[row]
    for (const { token: name, logprob } of top) {
      const same = expected?.top.find((each) => each.token === name)
      if (same !== undefined) differences.push(Math.abs(same.logprob - logprob))
    }
    if (token !== expected?.token) break
  }
  expect(differences.length).toBeGreaterThan(4)
  return differences.reduce((sum, each) => sum + each, 0) / differences.length
}

describe.each(types)('a KV cache of %s', (kvType) => {
  test('stays as near to f16 as its bits allow', async () => {
    expect(await loss(kvType)).toBeLessThan(lossMax[kvType])
  })

  test('gives a text that is remembered the reply of one that was just read', async () => {
    const engine = await opened(kvType, { parallel: 1 })
    const ask = { maxTokens: 30, temperature: 0 }
    const first = await engine.complete(prompt, ask).text()
    await engine.complete(randomWords(200, 2).join(' '), ask).done // takes the place
    const again = engine.complete(prompt, ask)
    expect(await again.text()).toBe(first)
    expect((await again.done).usage.cachedTokens).toBeGreaterThan(100)
  })

  test('is the size that its name says', async () => {
    const { placement } = await opened(kvType)
    const { placement: f16 } = await opened('f16')
    const share = { f16: 1, bf16: 1, q8_0: 34 / 64, q4_0: 18 / 64 }[kvType]
    expect(placement.host.kvBytes / f16.host.kvBytes).toBeCloseTo(share, 2)
  })
})

test.each(['f16', 'bf16'] as const)('%s works without flash attention', async (kvType) => {
  expect(await loss(kvType, { flashAttention: false })).toBeLessThan(0.15)
})

test('flash attention changes nothing but the rounding', async () => {
  const rows = [true, false].map(async (flashAttention) => {
    const engine = await opened('f16', { flashAttention })
    return (await logprobs(engine, 1))[0]?.logprob
  })
  const [on = 0, off = 9] = await Promise.all(rows)
  expect(Math.abs(on - off)).toBeLessThan(0.05)
})

test.each(['q8_0', 'q4_0'] as const)('%s is refused where heads do not divide', async (kvType) => {
  const model = randomModel({ embedding: 64, heads: 4 }) // of 16 values each
  const refused = load({ model, kvType })
  await expect(refused).rejects.toMatchObject({
    code: 'ERR_MODEL_INVALID',
    message: expect.stringContaining(`${kvType} blocks of 32`),
  })
})
