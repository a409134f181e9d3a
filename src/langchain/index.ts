/**
 * Engines as chat models and embeddings of LangChain.js, in this process and without HTTP.
 *
 * @module sluice/langchain
 */

export { ChatSluice, type ChatSluiceCallOptions, type ChatSluiceFields } from './chat-model.js'
export { SluiceEmbeddings } from './embeddings.js'
