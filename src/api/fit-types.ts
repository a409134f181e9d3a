/** What `engine.fit` takes and gives. */

import type { OpenAiMessage } from './openai-types.js'
import type { ChatMessage, FitRules, TemplateOptions, TextOptions } from './types.js'

/** What makes a difference to a chat's prompt, and what of the conversation stays. */
export interface FitOptions extends FitRules, TemplateOptions, TextOptions {}

export interface FitResult<Message = ChatMessage | OpenAiMessage> {
  /** What fits: the given messages without those that were dropped. */
  readonly messages: Message[]
  /** Places of the dropped messages in what was given, from 0, in ascending order. */
  readonly dropped: readonly number[]
  /** Tokens of the prompt that `messages` make. */
  readonly promptTokens: number
  /** Tokens of the context that are left for a reply. */
  readonly replyTokens: number
}
