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
  /** As in RequestOptions. */
  owner?: string
  /** Aborting it cancels the request and rejects with ERR_CANCELLED. */
  signal?: AbortSignal
}

export interface EmbedResult {
  /** One for each input, in their order, each of length 1. */
  readonly embeddings: Float32Array[]
  readonly usage: { readonly promptTokens: number }
}

/** How a model embeds, or ranks. */
export interface EmbeddingInfo {
  /** Numbers of an embedding; 1 of a model that ranks. */
  readonly size: number
  /**
   * How the rows of an input become one: their mean, the first one, or the last one; `rank` is a
   * reranker, which scores how well documents answer a query: see `Engine.rerank`.
   */
  readonly pooling: 'mean' | 'cls' | 'last' | 'rank'
}

export interface RerankOptions {
  /** Documents that are returned at most, the best ones: 1 and more. Default: all. */
  topN?: number
  /** As in RequestOptions. */
  owner?: string
  /** Aborting it cancels the request and rejects with ERR_CANCELLED. */
  signal?: AbortSignal
}

export interface RankedDocument {
  /** Its place among the documents that were given, from 0. */
  readonly index: number
  /** What the model's head computed, as it is: of most models a logit, higher is better. */
  readonly score: number
}

export interface RerankResult {
  /** The best one first; equal ones in the order in which they were given. */
  readonly results: readonly RankedDocument[]
  readonly usage: { readonly promptTokens: number }
}
