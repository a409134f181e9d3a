import type { EmbeddingModelV3, LanguageModelV3, ProviderV3 } from '@ai-sdk/provider'
import { abilityOf } from '../api/ability.js'
import { InvalidOptionError } from '../api/errors.js'
import { show } from '../api/show.js'
import type { Engine } from '../engine/engine.js'
import { SluiceDecisionModel } from './decision-model.js'
import type { SluiceDecisionModelV4 } from './decision-types.js'
import { SluiceEmbeddingModel } from './embedding-model.js'
import { NoSuchModelError } from './errors.js'
import { SluiceLanguageModel } from './language-model.js'

/**
 * Engines as a provider of the AI SDK. Called, it is `languageModel()`. Without a name a model is
 * the first that there is of its kind.
 */
export interface SluiceProvider extends ProviderV3 {
  (modelId?: string): LanguageModelV3
  languageModel(modelId?: string): LanguageModelV3
  embeddingModel(modelId?: string): EmbeddingModelV3
  /** Decisions, for `experimental_decide` of `ai` 7: of an engine that generates text. */
  decisionModel(modelId?: string): SluiceDecisionModelV4
  /** What embeddingModel was called once. */
  textEmbeddingModel(modelId?: string): EmbeddingModelV3
}

/**
 * Makes a provider of the AI SDK, for `ai` 6 and 7, of one engine or of several by their names. One
 * engine's name is its model's id. Closing the engines stays with who loaded them.
 *
 * @example
 * ```js
 * import { generateText } from 'ai'
 * import { load } from 'sluice'
 * import { createSluice } from 'sluice/ai-sdk'
 *
 * const engine = await load()
 * const sluice = createSluice(engine)
 * const { text } = await generateText({ model: sluice(), prompt: 'Tell me a story' })
 * console.log(text)
 * await engine.close()
 * ```
 * @throws InvalidOptionError where it is given no engine
 */
export function createSluice(engines: Engine | Readonly<Record<string, Engine>>): SluiceProvider {
  const byName = enginesOf(engines)
  const language = (modelId?: string): LanguageModelV3 => {
    const [name, engine] = find(byName, 'languageModel', modelId)
    return new SluiceLanguageModel(engine, name)
  }
  const embedding = (modelId?: string): EmbeddingModelV3 => {
    const [name, engine] = find(byName, 'embeddingModel', modelId)
    return new SluiceEmbeddingModel(engine, name)
  }
  const decision = (modelId?: string): SluiceDecisionModelV4 => {
    const [name, engine] = find(byName, 'decisionModel', modelId)
    return new SluiceDecisionModel(engine, name)
  }
  const provider = {
    specificationVersion: 'v3' as const,
    languageModel: language,
    decisionModel: decision,
    embeddingModel: embedding,
    textEmbeddingModel: embedding,
    imageModel: (modelId: string): never => {
      throw new NoSuchModelError(modelId, 'imageModel', [])
    },
  }
  return Object.assign((modelId?: string) => language(modelId), provider)
}

function enginesOf(given: Engine | Readonly<Record<string, Engine>>): ReadonlyMap<string, Engine> {
  if (isEngine(given)) return new Map([[given.model.id, given]])
  const entries = typeof given === 'object' && given !== null ? Object.entries(given) : []
  const isRight = entries.length > 0 && entries.every(([, engine]) => isEngine(engine))
  if (isRight) return new Map(entries)
  const expected = 'an engine that load() made, or an object of some by their names'
  throw new InvalidOptionError(
    'engines',
    `'engines': expected ${expected}, but got ${show(given)}.`,
  )
}

/** Also one of another copy of the package. */
function isEngine(value: unknown): value is Engine {
  if (typeof value !== 'object' || value === null) return false
  const { chat, embed, prepareTools } = value as Partial<Engine>
  return [chat, embed, prepareTools].every((method) => typeof method === 'function')
}

/** @throws NoSuchModelError for a name that is not there, and where none is of that kind */
function find(
  engines: ReadonlyMap<string, Engine>,
  type: 'languageModel' | 'embeddingModel' | 'decisionModel',
  name?: string,
): [string, Engine] {
  const ability = type === 'embeddingModel' ? 'embeddings' : 'text'
  const fitting = [...engines].filter(([, { model }]) => abilityOf(model) === ability)
  const found = name === undefined ? fitting[0] : fitting.find(([one]) => one === name)
  if (found !== undefined) return found
  throw new NoSuchModelError(
    name ?? 'any',
    type,
    fitting.map(([one]) => one),
  )
}
