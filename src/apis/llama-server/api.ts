import type { Api } from '../api.js'
import { openAi } from '../openai/api.js'
import { loraAdapters, scaleLoraAdapters } from './adapters.js'
import { countChatTokens } from './chat-tokens.js'
import { infill, llamaCompletion } from './completion/handler.js'
import { llamaEmbedding } from './embedding.js'
import { loadModel, unloadModel } from './models.js'
import { rerankDocuments } from './rerank.js'
import { changeProps, props, slotAction, slots } from './server-state.js'
import { applyTemplate, detokenize, tokenize } from './tokens.js'

/** Endpoints that are llama-server's own. Keys and errors are OpenAI's there too. */
export const llamaServer: Api = {
  ...openAi,
  routes: [
    { method: 'POST', pattern: '/completion', handle: llamaCompletion },
    { method: 'POST', pattern: '/infill', handle: infill },
    { method: 'POST', pattern: '/embedding', handle: llamaEmbedding },
    { method: 'POST', pattern: '/v1/chat/completions/input_tokens', handle: countChatTokens },
    { method: 'POST', pattern: '/v1/rerank', handle: rerankDocuments },
    { method: 'POST', pattern: '/v1/reranking', handle: rerankDocuments },
    { method: 'POST', pattern: '/v2/rerank', handle: rerankDocuments },
    { method: 'GET', pattern: '/props', handle: props },
    { method: 'POST', pattern: '/props', handle: changeProps },
    { method: 'GET', pattern: '/slots', handle: slots },
    { method: 'POST', pattern: '/slots/{id}', handle: slotAction },
    { method: 'GET', pattern: '/lora-adapters', handle: loraAdapters },
    { method: 'POST', pattern: '/lora-adapters', handle: scaleLoraAdapters },
    { method: 'POST', pattern: '/tokenize', handle: tokenize },
    { method: 'POST', pattern: '/detokenize', handle: detokenize },
    { method: 'POST', pattern: '/apply-template', handle: applyTemplate },
    { method: 'POST', pattern: '/models/load', handle: loadModel },
    { method: 'POST', pattern: '/models/unload', handle: unloadModel },
  ],
}
