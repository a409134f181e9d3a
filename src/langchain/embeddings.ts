import { Embeddings, type EmbeddingsParams } from '@langchain/core/embeddings'
import type { Engine } from '../engine/engine.js'
import { inputsMax } from '../options/inputs.js'

/** An engine that embeds, as LangChain's embeddings. */
export class SluiceEmbeddings extends Embeddings {
  readonly #engine: Engine

  constructor({ engine, ...fields }: EmbeddingsParams & { engine: Engine }) {
    super(fields)
    this.#engine = engine
  }

  /** Of any number of texts: the engine is given as many at a time as it takes. */
  override async embedDocuments(texts: string[]): Promise<number[][]> {
    const vectors: number[][] = []
    for (let from = 0; from < texts.length; from += inputsMax) {
      const { embeddings } = await this.#engine.embed(texts.slice(from, from + inputsMax))
      for (const vector of embeddings) vectors.push(Array.from(vector))
    }
    return vectors
  }

  override async embedQuery(text: string): Promise<number[]> {
    const [vector = []] = await this.embedDocuments([text])
    return vector
  }
}
