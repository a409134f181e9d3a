import { randomUUID } from 'node:crypto'
import type { FinishReason, Usage } from '../../api/types.js'

/** What is the same in every chunk of one reply, and stands in front of its choices. */
export interface Envelope {
  readonly id: string
  readonly object: 'chat.completion' | 'chat.completion.chunk' | 'text_completion'
  /** Unix seconds. */
  readonly created: number
  /** The name that the request asked for. */
  readonly model: string
  readonly system_fingerprint: string
}

export function envelope(
  object: Envelope['object'],
  model: string,
  system_fingerprint: string,
): Envelope {
  const prefix = object === 'text_completion' ? 'cmpl' : 'chatcmpl'
  const id = `${prefix}-${randomUUID().replaceAll('-', '')}`
  return { id, object, created: Math.floor(Date.now() / 1000), model, system_fingerprint }
}

/** The beginning of a chunk's frame, up to its choices. */
export function frameOpening(envelope: Envelope): string {
  return `data: ${JSON.stringify(envelope).slice(0, -1)},"choices":[`
}

/** The last frame of a stream that went well. */
export const doneFrame = 'data: [DONE]\n\n'

export interface CompletionUsage {
  readonly prompt_tokens: number
  readonly completion_tokens: number
  readonly total_tokens: number
  readonly prompt_tokens_details: { readonly cached_tokens: number }
  /** Where reasoning is known from text. */
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

/** A cancelled reply never gets this far: its client has left. */
export function finishReasonOf(reason: FinishReason): Exclude<FinishReason, 'cancelled'> {
  if (reason === 'cancelled') throw new Error('a cancelled reply has no finish_reason on the wire')
  return reason
}

/** OpenAI's number for what never happens: JSON has no infinity. */
const logprobMin = -9999

/** A natural logarithm as the wire can hold it. */
export function wireLogprob(logprob: number): number {
  return Math.max(logprob, logprobMin)
}
