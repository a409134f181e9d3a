import type { AnswerHeaders } from '../../web/answer.js'
import type { KeyState } from '../api.js'

/** What a key has left, as OpenAI tells it: how long until it is back stands there as `6m0s`. */
export function limitHeaders({ requests, tokens }: KeyState): AnswerHeaders {
  const headers: Record<string, string> = {}
  if (requests !== undefined) {
    headers['x-ratelimit-limit-requests'] = `${requests.limit}`
    headers['x-ratelimit-remaining-requests'] = `${requests.left}`
    headers['x-ratelimit-reset-requests'] = duration(requests.left > 0 ? 0 : requests.retryMs)
  }
  if (tokens !== undefined) {
    headers['x-ratelimit-limit-tokens'] = `${tokens.limit}`
    headers['x-ratelimit-remaining-tokens'] = `${Math.max(0, Math.floor(tokens.left))}`
    headers['x-ratelimit-reset-tokens'] = duration(tokens.resetMs)
  }
  return headers
}

function duration(ms: number): string {
  if (ms < 1000) return `${Math.ceil(ms)}ms`
  const seconds = Math.ceil(ms / 1000)
  const minutes = Math.floor(seconds / 60)
  return minutes === 0 ? `${seconds}s` : `${minutes}m${seconds % 60}s`
}
