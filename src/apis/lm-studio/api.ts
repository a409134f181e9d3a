import type { Api } from '../api.js'
import { openAi } from '../openai/api.js'
import { chatCompletions } from '../openai/chat/handler.js'
import { completions } from '../openai/completions/handler.js'
import { embeddings } from '../openai/embeddings.js'
import { loadModel, unloadModel } from './load.js'
import { listModels, listModelsOfV0, oneModelOfV0 } from './models.js'

/** How LM Studio's clients find models. What they ask of these is OpenAI's, errors too. */
export const lmStudio: Api = {
  ...openAi,
  routes: [
    { method: 'GET', pattern: '/api/v0/models', handle: listModelsOfV0 },
    { method: 'GET', pattern: '/api/v0/models/{id}', handle: oneModelOfV0 },
    { method: 'POST', pattern: '/api/v0/chat/completions', handle: chatCompletions },
    { method: 'POST', pattern: '/api/v0/completions', handle: completions },
    { method: 'POST', pattern: '/api/v0/embeddings', handle: embeddings },
    { method: 'GET', pattern: '/api/v1/models', handle: listModels },
    { method: 'POST', pattern: '/api/v1/models/load', handle: loadModel },
    { method: 'POST', pattern: '/api/v1/models/unload', handle: unloadModel },
  ],
}
