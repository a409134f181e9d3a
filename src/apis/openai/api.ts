import type { Api } from '../api.js'
import { chatCompletions } from './chat/handler.js'
import { completions } from './completions/handler.js'
import { createDecision } from './decisions/handler.js'
import { embeddings } from './embeddings.js'
import { errorWords } from './errors.js'
import { limitHeaders } from './limit-headers.js'
import { listModels, oneModel } from './models.js'
import { countInputTokens, createResponse } from './responses/handler.js'
import { deleteResponse, inputItems, keptResponse } from './responses/kept.js'

export const openAi: Api = {
  routes: [
    { method: 'POST', pattern: '/v1/chat/completions', handle: chatCompletions },
    { method: 'POST', pattern: '/v1/completions', handle: completions },
    { method: 'POST', pattern: '/v1/responses', handle: createResponse },
    { method: 'POST', pattern: '/v1/responses/input_tokens', handle: countInputTokens },
    { method: 'GET', pattern: '/v1/responses/{id}/input_items', handle: inputItems },
    { method: 'GET', pattern: '/v1/responses/{id}', handle: keptResponse },
    { method: 'DELETE', pattern: '/v1/responses/{id}', handle: deleteResponse },
    { method: 'POST', pattern: '/v1/embeddings', handle: embeddings },
    { method: 'POST', pattern: '/v1/decisions', handle: createDecision },
    { method: 'GET', pattern: '/v1/models', handle: listModels },
    { method: 'GET', pattern: '/v1/models/{id}', handle: oneModel },
  ],
  /** As OpenAI's clients bring it, or in a header of its own as those of Azure do. */
  keyOf({ authorization, ...headers }) {
    if (authorization !== undefined) return /^Bearer +([\x21-\x7e]+) *$/i.exec(authorization)?.[1]
    const own = headers['x-api-key'] ?? headers['api-key']
    return own !== undefined && /^[\x21-\x7e]+$/.test(own) ? own : undefined
  },
  keyHeaders: ['authorization', 'x-api-key', 'api-key'],
  keyExample: 'Authorization: Bearer YOUR_API_KEY',
  limitHeaders,
  errorWords: errorWords(),
}
