/** What `Engine.embed` takes and gives. */

/**
 * One or many: a text, or token ids. A text gets the model's special tokens added, ids are taken as
 * they stand.
 */
export type EmbedInput = string | Int32Array | readonly number[]

export interface EmbedOptions {
  /**
   * Numbers of an embedding, 1 to the model's size: the first ones, brought to length 1 again. For
   * models trained for that (Matryoshka). Default: all.
   */
  dimensions?: number
  /** Aborting it cancels the request and rejects with ERR_CANCELLED. */
  signal?: AbortSignal
}

export interface EmbedResult {
  /** One for each input, in their order, each of length 1. */
  readonly embeddings: Float32Array[]
  readonly usage: { readonly promptTokens: number }
}

/** How a model embeds. */
export interface EmbeddingInfo {
  /** Numbers of an embedding. */
  readonly size: number
  /** How the rows of an input become one: their mean, the first one, or the last one. */
  readonly pooling: 'mean' | 'cls' | 'last'
}
