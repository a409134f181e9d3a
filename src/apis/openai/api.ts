import type { Api } from '../api.js'
import { commonKeys } from '../key-headers.js'
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
  ...commonKeys,
  limitHeaders,
  errorWords: errorWords(),
}
