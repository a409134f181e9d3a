import type { PageResponse } from '@anthropic-ai/sdk/core/pagination'
import type {
  Message,
  MessageCountTokensParams,
  MessageCreateParams,
  MessageTokensCount,
  RawMessageStreamEvent,
} from '@anthropic-ai/sdk/resources/messages'
import type { ModelInfo } from '@anthropic-ai/sdk/resources/models'
import type { ErrorResponse } from '@anthropic-ai/sdk/resources/shared'

/**
 * What scripts/wire/anthropic-schema.mjs turns into JSON Schemas: Anthropic's own declarations of
 * what a server sends, and the names of the fields that a request may have.
 */
export interface AnthropicTypes {
  Message: Message
  StreamEvent: RawMessageStreamEvent
  MessageTokensCount: MessageTokensCount
  ModelInfo: ModelInfo
  ModelsPage: PageResponse<ModelInfo>
  ErrorResponse: ErrorResponse
  MessagesField: keyof MessageCreateParams
  CountField: keyof MessageCountTokensParams
}
