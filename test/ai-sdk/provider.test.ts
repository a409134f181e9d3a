import { APICallError, NoSuchModelError } from '@ai-sdk/provider'
import { afterEach, describe, expect, test } from 'vitest'
import { createSluice } from '../../src/ai-sdk/index.js'
import { useBinding } from '../../src/binding/binding.js'
import { type Engine, load } from '../../src/index.js'
import { call, scriptedProvider, thrownBy } from '../support/chats/scripted-provider.js'
import { FakeAddon, type FakeOptions } from '../support/fake-binding.js'

const engines: Engine[] = []
const open = scriptedProvider()
afterEach(async () => {
  await Promise.all(engines.splice(0).map((engine) => engine.close()))
  useBinding(undefined)
})

const size = 3

async function embedder(embedding: FakeOptions['embedding'] = { size, pooling: 'mean' }) {
  useBinding(new FakeAddon({ embedding }))
  const engine = await load({ model: 'vectors.gguf' })
  engines.push(engine)
  return engine
}

describe('a provider', () => {
  test('has one engine’s model by its name, and without one', async () => {
    const { sluice } = await open()
    for (const model of [sluice(), sluice('fake'), sluice.languageModel('fake')]) {
      expect(model).toMatchObject({
        specificationVersion: 'v3',
        provider: 'sluice',
        modelId: 'fake',
        supportedUrls: { '*/*': [/.*/] },
      })
    }
  })

  test('has several engines by their names, each for what it does', async () => {
    const { engine } = await open()
    const vectors = await embedder()
    const sluice = createSluice({ vectors, chat: engine })
    expect(sluice().modelId).toBe('chat')
    expect(sluice.embeddingModel().modelId).toBe('vectors')
    expect(sluice.textEmbeddingModel('vectors').modelId).toBe('vectors')
    expect(() => sluice('vectors')).toThrow('No such languageModel: vectors (there is chat)')
  })

  test('has no use for a reranker, which neither embeds nor writes text', async () => {
    const { engine } = await open()
    const ranks = await embedder({ size: 1, pooling: 'rank' })
    const sluice = createSluice({ ranks, vectors: await embedder(), chat: engine })
    expect(sluice.embeddingModel().modelId).toBe('vectors')
    expect(() => sluice.embeddingModel('ranks')).toThrow('ranks (there is vectors)')
    expect(() => sluice('ranks')).toThrow('ranks (there is chat)')
  })

  test.each([
    ['languageModel' as const, 'other', 'there is fake'],
    ['embeddingModel' as const, 'fake', 'there is none'],
    ['imageModel' as const, 'fake', 'there is none'],
  ])('refuses a %s that it has not, in the AI SDK’s words', async (modelType, modelId, words) => {
    const { sluice } = await open()
    const error = await thrownBy((async () => sluice[modelType](modelId))())
    if (!NoSuchModelError.isInstance(error)) expect.fail(`${error}`)
    expect(error).toMatchObject({ modelId, modelType, message: expect.stringContaining(words) })
  })

  test.each([undefined, null, {}, { chat: 1 }, 'fake'])('refuses %j for an engine', (given) => {
    expect(() => createSluice(given as never)).toThrow(/^'engines': expected an engine/)
  })
})

describe('an embedding model', () => {
  test('gives vectors as the engine does, and their tokens', async () => {
    const engine = await embedder()
    const model = createSluice(engine).embeddingModel()
    const values = ['a fox', 'two brown hares']
    const { embeddings, usage, warnings } = await model.doEmbed({ values })
    const own = await engine.embed(values)
    expect(embeddings).toEqual(own.embeddings.map((vector) => Array.from(vector)))
    expect(usage).toEqual({ tokens: own.usage.promptTokens })
    expect(warnings).toEqual([])
    expect(await model.maxEmbeddingsPerCall).toBe(2048)
    expect(await model.supportsParallelCalls).toBe(true)
  })

  test('gives vectors of fewer dimensions', async () => {
    const model = createSluice(await embedder()).embeddingModel()
    const providerOptions = { sluice: { dimensions: 2 } }
    const { embeddings } = await model.doEmbed({ values: ['a fox'], providerOptions })
    expect(embeddings[0]).toHaveLength(2)
  })

  test('refuses what is wrong', async () => {
    const model = createSluice(await embedder()).embeddingModel()
    const wrong = [
      { values: [''] },
      { values: ['a'], providerOptions: { sluice: { dimensions: size + 1 } } },
      { values: ['a'], providerOptions: { sluice: { dimension: 1 } } },
    ]
    for (const options of wrong) {
      const error = await thrownBy(model.doEmbed(options))
      expect(APICallError.isInstance(error), `${error}`).toBe(true)
      expect(error).toMatchObject({ statusCode: 400, isRetryable: false })
    }
    const aborted = { values: ['a'], abortSignal: AbortSignal.abort() }
    expect(await thrownBy(model.doEmbed(aborted))).toMatchObject({ name: 'AbortError' })
  })
})

test('an engine that is closed is told of', async () => {
  const { sluice, engine } = await open()
  const model = sluice()
  await engine.close()
  const error = await thrownBy(model.doGenerate(call()))
  expect(error).toMatchObject({ statusCode: 503, isRetryable: false, data: { code: 'ERR_CLOSED' } })
})
