import type { EmbeddingInfo } from './embedding-types.js'

/** What a model is for. None is for two of them. */
export type Ability = 'text' | 'embeddings' | 'ranks'

/** A reranker has an `embedding` too, and does not embed. */
export function abilityOf(model: { readonly embedding?: EmbeddingInfo }): Ability {
  const { embedding } = model
  if (embedding === undefined) return 'text'
  return embedding.pooling === 'rank' ? 'ranks' : 'embeddings'
}
