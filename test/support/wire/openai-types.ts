import type { PageResponse } from 'openai/core/pagination'
import type {
  ChatCompletion,
  ChatCompletionChunk,
  ChatCompletionCreateParams,
} from 'openai/resources/chat/completions'
import type { Completion, CompletionCreateParams } from 'openai/resources/completions'
import type { CreateEmbeddingResponse, EmbeddingCreateParams } from 'openai/resources/embeddings'
import type { Model } from 'openai/resources/models'
import type {
  InputTokenCountParams,
  InputTokenCountResponse,
} from 'openai/resources/responses/input-tokens'
import type { ResponseCreateParams } from 'openai/resources/responses/responses'
import type { ErrorObject } from 'openai/resources/shared'
import type { ResponseBody, ResponseEvent, ResponseItemList } from './response-types.js'

/**
 * What scripts/openai-schema.mjs turns into JSON Schemas: OpenAI's own declarations of what a
 * server sends, and the names of the fields that a request may have.
 */
export interface OpenAiTypes {
  ChatCompletion: ChatCompletion
  ChatCompletionChunk: ChatCompletionChunk
  Completion: Completion
  CreateEmbeddingResponse: CreateEmbeddingResponse
  Model: Model
  ModelsPage: PageResponse<Model>
  Response: ResponseBody
  ResponseEvent: ResponseEvent
  ResponseItemList: ResponseItemList
  InputTokens: InputTokenCountResponse
  ErrorBody: { error: ErrorObject }
  ChatField: keyof ChatCompletionCreateParams
  CompletionField: keyof CompletionCreateParams
  EmbeddingField: keyof EmbeddingCreateParams
  ResponseField: keyof ResponseCreateParams
  InputTokensField: keyof InputTokenCountParams
}
