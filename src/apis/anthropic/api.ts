import type { Api } from '../api.js'
import { errorWords } from './errors.js'
import { limitHeaders } from './limit-headers.js'
import { countTokens, createMessage } from './messages/handler.js'
import { listModels, oneModel } from './models.js'

/** Anthropic's Messages, as Claude Code and Anthropic's SDKs speak it. */
export const anthropic: Api = {
  routes: [
    { method: 'POST', pattern: '/v1/messages', handle: createMessage },
    { method: 'POST', pattern: '/v1/messages/count_tokens', handle: countTokens },
    { method: 'GET', pattern: '/v1/models', handle: listModels },
    { method: 'GET', pattern: '/v1/models/{id}', handle: oneModel },
  ],
  /** All of its clients send it, and no other protocol's. */
  isSpokenBy: (headers) => headers['anthropic-version'] !== undefined,
  requestIdHeader: 'request-id',
  /** Claude Code sends one or the other, by which variable of its environment has it. */
  keyOf({ authorization, ...headers }) {
    const own = headers['x-api-key'] ?? headers['api-key']
    if (own !== undefined) return /^[\x21-\x7e]+$/.test(own) ? own : undefined
    return /^Bearer +([\x21-\x7e]+) *$/i.exec(authorization ?? '')?.[1]
  },
  keyHeaders: ['x-api-key', 'api-key', 'authorization', 'anthropic-version', 'anthropic-beta'],
  keyExample: 'x-api-key: YOUR_API_KEY',
  limitHeaders,
  errorWords,
}
