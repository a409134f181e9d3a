/**
 * Engines as a provider of Vercel's AI SDK, in this process and without HTTP.
 *
 * @module sluice/ai-sdk
 */

export type { SluiceDecisionMetadata, SluiceDecisionModelV4 } from './decision-types.js'
export type {
  SluiceDecisionModelOptions,
  SluiceEmbeddingModelOptions,
  SluiceLanguageModelOptions,
} from './options.js'
export { createSluice, type SluiceProvider } from './provider.js'
export type { SluiceMetadata } from './reply-end.js'
