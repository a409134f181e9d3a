/**
 * Engines as a provider of Vercel's AI SDK, in this process and without HTTP.
 *
 * @module sluice/ai-sdk
 */

export type { SluiceEmbeddingModelOptions, SluiceLanguageModelOptions } from './options.js'
export { createSluice, type SluiceProvider } from './provider.js'
export type { SluiceMetadata } from './reply-end.js'
