import type { Api } from '../api.js'
import { openAi } from '../openai/api.js'
import { loadModel, unloadModel } from './models.js'
import { applyTemplate, detokenize, tokenize } from './tokens.js'

/** Endpoints that are llama-server's own. Keys and errors are OpenAI's there too. */
export const llamaServer: Api = {
  ...openAi,
  routes: [
    { method: 'POST', pattern: '/tokenize', handle: tokenize },
    { method: 'POST', pattern: '/detokenize', handle: detokenize },
    { method: 'POST', pattern: '/apply-template', handle: applyTemplate },
    { method: 'POST', pattern: '/models/load', handle: loadModel },
    { method: 'POST', pattern: '/models/unload', handle: unloadModel },
  ],
}
