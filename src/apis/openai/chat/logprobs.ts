import type { TokenLogprob, TokenLogprobs } from '../../../api/types.js'
import { wireLogprob } from '../logprob.js'

/** How likely some tokens of a choice were, as OpenAI tells it. */
export function choiceLogprobs(tokens: readonly TokenLogprobs[]) {
  const content = tokens.map((entry) => ({ ...told(entry), top_logprobs: entry.top.map(told) }))
  return { content, refusal: null }
}

function told({ token, logprob, bytes }: TokenLogprob) {
  return { token, logprob: wireLogprob(logprob), bytes: Array.from(bytes) }
}
