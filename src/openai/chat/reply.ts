import type { ReplyResult } from '../../engine/types.js'
import type { Heading } from '../heading.js'
import { completionUsage, finishReasonOf } from '../usage.js'

/** The body of a reply that is not streamed. */
export function chatCompletion(heading: Heading, text: string, result: ReplyResult) {
  return {
    id: heading.id,
    object: 'chat.completion',
    created: heading.created,
    model: heading.model,
    system_fingerprint: heading.fingerprint,
    choices: [
      {
        index: 0,
        message: { role: 'assistant', content: text, refusal: null },
        logprobs: null,
        finish_reason: finishReasonOf(result.finishReason),
      },
    ],
    usage: completionUsage(result.usage),
  }
}
