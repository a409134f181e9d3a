import type { AnswerHeaders } from '../../web/answer.js'
import type { KeyState } from '../api.js'

/** What a key has left, as Anthropic tells it: when it is back stands there as a time. */
export function limitHeaders({ requests, tokens }: KeyState): AnswerHeaders {
  const headers: Record<string, string> = {}
  if (requests !== undefined) {
    headers['anthropic-ratelimit-requests-limit'] = `${requests.limit}`
    headers['anthropic-ratelimit-requests-remaining'] = `${requests.left}`
    headers['anthropic-ratelimit-requests-reset'] = timeIn(requests.left > 0 ? 0 : requests.retryMs)
  }
  if (tokens !== undefined) {
    headers['anthropic-ratelimit-tokens-limit'] = `${tokens.limit}`
    headers['anthropic-ratelimit-tokens-remaining'] = `${Math.max(0, Math.floor(tokens.left))}`
    headers['anthropic-ratelimit-tokens-reset'] = timeIn(tokens.resetMs)
  }
  return headers
}

/** Whole seconds, rounded up: who asks then is not too early. */
function timeIn(ms: number): string {
  const seconds = Math.ceil((Date.now() + ms) / 1000)
  return new Date(seconds * 1000).toISOString().replace('.000Z', 'Z')
}
