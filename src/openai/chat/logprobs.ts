import type { TokenLogprob, TokenLogprobs } from '../../engine/types.js'

/** How likely some tokens of a choice were, as OpenAI tells it. */
export function choiceLogprobs(tokens: readonly TokenLogprobs[]) {
  const content = tokens.map((entry) => ({ ...told(entry), top_logprobs: entry.top.map(told) }))
  return { content, refusal: null }
}

function told({ token, logprob, bytes }: TokenLogprob) {
  return { token, logprob, bytes: Array.from(bytes) }
}
