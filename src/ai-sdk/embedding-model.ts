import type {
  EmbeddingModelV3,
  EmbeddingModelV3CallOptions,
  EmbeddingModelV3Result,
} from '@ai-sdk/provider'
import type { Engine } from '../engine/engine.js'
import { inputsMax } from '../options/inputs.js'
import { withSdkErrors } from './errors.js'
import { embeddingOptions } from './options.js'

/** An engine that embeds, as the AI SDK asks for it. Owns nothing of the engine. */
export class SluiceEmbeddingModel implements EmbeddingModelV3 {
  readonly specificationVersion = 'v3'
  readonly provider = 'sluice'
  readonly modelId: string
  readonly maxEmbeddingsPerCall = inputsMax
  readonly supportsParallelCalls = true
  readonly #engine: Engine

  constructor(engine: Engine, modelId: string) {
    this.#engine = engine
    this.modelId = modelId
  }

  /** No method: the AI SDK 7 would call that of a Proxy around this, which has no private names. */
  readonly doEmbed = (options: EmbeddingModelV3CallOptions): Promise<EmbeddingModelV3Result> => {
    const { values, abortSignal } = options
    return withSdkErrors(abortSignal, async () => {
      const { embeddings, usage } = await this.#engine.embed(values, {
        ...embeddingOptions(options.providerOptions),
        ...(abortSignal === undefined ? {} : { signal: abortSignal }),
      })
      return {
        embeddings: embeddings.map((vector) => Array.from(vector)),
        usage: { tokens: usage.promptTokens },
        warnings: [],
      }
    })
  }
}
