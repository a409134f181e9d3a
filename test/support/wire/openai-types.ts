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
import type { Decision, DecisionCreateParams } from 'openai-7/resources/decisions'
import type { ResponseBody, ResponseEvent, ResponseItemList } from './response-types.js'
import type { SystemOneBody, SystemOneError } from './systemone-types.js'

/**
 * What scripts/openai-schema.mjs turns into JSON Schemas: OpenAI's own declarations of what a
 * server sends, and the names of the fields that a request may have. Decisions came with release 7
 * of its client, which wants Node 22.
 */
export interface OpenAiTypes {
  ChatCompletion: ChatCompletion
  ChatCompletionChunk: ChatCompletionChunk
  Completion: Completion
  CreateEmbeddingResponse: CreateEmbeddingResponse
  Decision: Decision
  Model: Model
  ModelsPage: PageResponse<Model>
  Response: ResponseBody
  ResponseEvent: ResponseEvent
  ResponseItemList: ResponseItemList
  InputTokens: InputTokenCountResponse
  ErrorBody: { error: ErrorObject }
  SystemOne: SystemOneBody
  SystemOneError: SystemOneError
  ChatField: keyof ChatCompletionCreateParams
  CompletionField: keyof CompletionCreateParams
  EmbeddingField: keyof EmbeddingCreateParams
  DecisionField: keyof DecisionCreateParams
  ResponseField: keyof ResponseCreateParams
  InputTokensField: keyof InputTokenCountParams
}
