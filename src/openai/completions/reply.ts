import type { ChoiceResult, Usage } from '../../api/types.js'
import type { Heading } from '../heading.js'
import { completionUsage, finishReasonOf } from '../usage.js'
import type { CompletionLogprobs } from './logprobs.js'

/** One choice that has ended. */
export interface EndedChoice {
  readonly text: string
  readonly logprobs: CompletionLogprobs | null
  readonly result: ChoiceResult
}

/** The body of a reply that is not streamed. */
export function textCompletion(heading: Heading, choices: readonly EndedChoice[], usage: Usage) {
  return {
    id: heading.id,
    object: 'text_completion',
    created: heading.created,
    model: heading.model,
    system_fingerprint: heading.fingerprint,
    choices: choices.map(({ text, logprobs, result }, index) => ({
      text,
      index,
      logprobs,
      finish_reason: finishReasonOf(result.finishReason),
    })),
    usage: completionUsage(usage),
  }
}

/** What all of a request's replies took together. */
export function usageOfAll(usages: readonly Usage[]): Usage {
  const sum = (key: 'promptTokens' | 'cachedTokens' | 'completionTokens') =>
    usages.reduce((total, usage) => total + usage[key], 0)
  return {
    promptTokens: sum('promptTokens'),
    cachedTokens: sum('cachedTokens'),
    completionTokens: sum('completionTokens'),
  }
}
