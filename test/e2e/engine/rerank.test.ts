import { afterEach, describe, expect, test } from 'vitest'
import type { RerankOptions } from '../../../src/api/embedding-types.js'
import type { LoadOptions } from '../../../src/api/types.js'
import type { Engine } from '../../../src/engine/engine.js'
import { load } from '../../../src/engine/load.js'
import { encoderModel } from '../../support/models/encoder-model.js'
import { randomModel } from '../../support/models/random-model.js'

// A random reranker with a head: its scores mean nothing, and each pair has its own.

const open: Engine[] = []

afterEach(async () => {
  for (const engine of open.splice(0)) await engine.close()
})

async function loaded(options: LoadOptions): Promise<Engine> {
  const engine = await load(options)
  open.push(engine)
  return engine
}

const query = 'Machine learning is'
const documents = ['A machine', 'Learning is', 'Paris, capitale de la France', 'A machine']

describe('rerank', () => {
  test('orders documents by scores that each has alone as well', async () => {
    const engine = await loaded({ model: encoderModel({ pooling: 4 }) })
    expect(engine.model.embedding).toEqual({ size: 1, pooling: 'rank' })
    const { results, usage } = await engine.rerank(query, documents)
    expect(results.map(({ score }) => score)).toEqual(
      results.map(({ score }) => score).sort((a, b) => b - a),
    )
    expect(results.map(({ index }) => index).sort()).toEqual([0, 1, 2, 3])
    let promptTokens = 0
    for (const { index, score } of results) {
      const alone = await engine.rerank(query, [documents[index] ?? ''])
      expect(alone.results[0]?.score).toBeCloseTo(score, 1)
      promptTokens += alone.usage.promptTokens
    }
    expect(usage).toEqual({ promptTokens })
    const scores = new Set(results.map(({ score }) => score.toFixed(3)))
    expect(scores.size).toBe(3) // two documents are one text
    const places = results.map(({ index }) => index)
    expect(places.indexOf(0)).toBe(places.indexOf(3) - 1) // equals in the order they came
  })

  test('has llama-server’s scores and tokens', async () => {
    const engine = await loaded({ model: encoderModel({ pooling: 4 }) })
    const { results, usage } = await engine.rerank(query, documents.slice(0, 3))
    const scores = [...results].sort((a, b) => a.index - b.index).map(({ score }) => score)
    for (const [i, score] of fromLlamaServer.scores.entries()) {
      expect(scores[i]).toBeCloseTo(score, 1)
    }
    expect(usage.promptTokens).toBe(fromLlamaServer.promptTokens)
  })

  test('returns the best alone where that is asked for, and cancels', async () => {
    const engine = await loaded({ model: encoderModel({ pooling: 4 }) })
    const all = await engine.rerank(query, documents)
    const best = await engine.rerank(query, documents, { topN: 2 })
    expect(best.results.map(({ index }) => index)).toEqual(
      all.results.slice(0, 2).map(({ index }) => index),
    )
    const signal = AbortSignal.abort()
    await expect(engine.rerank(query, documents, { signal })).rejects.toMatchObject({
      code: 'ERR_CANCELLED',
    })
  })

  test('says which document is too long beside the query', async () => {
    const engine = await loaded({ model: encoderModel({ pooling: 4, context: 32 }) })
    const long = 'word '.repeat(40)
    await expect(engine.rerank(query, ['short', long])).rejects.toMatchObject({
      code: 'ERR_CONTEXT_LENGTH',
      input: 1,
      contextTokens: 32,
    })
  })

  test.each([
    [7, documents, {}, 'query'],
    [query, [], {}, 'documents'],
    [query, 'a', {}, 'documents'],
    [query, ['a', 7], {}, 'documents[1]'],
    [query, documents, { topN: 0 }, 'topN'],
    [query, documents, { topM: 1 }, 'topM'],
  ])('refuses %j, %j and %j by the name %s', async (asked, texts, options, option) => {
    const engine = await loaded({ model: encoderModel({ pooling: 4 }) })
    const ranked = engine.rerank(asked as string, texts as string[], options as RerankOptions)
    await expect(ranked).rejects.toMatchObject({ code: 'ERR_INVALID_OPTION', option })
  })

  test('a model does what it was made for alone', async () => {
    const invalid = { code: 'ERR_INVALID_REQUEST' }
    const ranker = await loaded({ model: encoderModel({ pooling: 4 }) })
    await expect(ranker.embed('a')).rejects.toMatchObject(invalid)
    for (const model of [encoderModel(), randomModel()]) {
      const other = await loaded({ model })
      await expect(other.rerank(query, documents)).rejects.toMatchObject(invalid)
    }
  })
})

/** Of the bench's llama-server, of the same llama.cpp: POST /rerank with --reranking. */
const fromLlamaServer = { scores: [-0.70479, -3.61397, -2.46888], promptTokens: 26 }
