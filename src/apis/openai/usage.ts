import type { FinishReason, Usage } from '../../api/types.js'

export interface CompletionUsage {
  readonly prompt_tokens: number
  readonly completion_tokens: number
  readonly total_tokens: number
  readonly prompt_tokens_details: { readonly cached_tokens: number }
  /** Where thoughts are told from text. */
  readonly completion_tokens_details?: { readonly reasoning_tokens: number }
}

/** Counts as OpenAI names them. */
export function completionUsage(usage: Usage): CompletionUsage {
  const { promptTokens, cachedTokens, completionTokens, reasoningTokens } = usage
  return {
    prompt_tokens: promptTokens,
    completion_tokens: completionTokens,
    total_tokens: promptTokens + completionTokens,
    prompt_tokens_details: { cached_tokens: cachedTokens },
    ...(reasoningTokens === undefined
      ? {}
      : { completion_tokens_details: { reasoning_tokens: reasoningTokens } }),
  }
}

/** A reply that was cancelled has nobody to be told so: it never gets this far. */
export function finishReasonOf(reason: FinishReason): Exclude<FinishReason, 'cancelled'> {
  if (reason === 'cancelled') throw new Error('a cancelled reply has no finish_reason on the wire')
  return reason
}
