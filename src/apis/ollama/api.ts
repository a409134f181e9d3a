import type { Api } from '../api.js'
import { openAi } from '../openai/api.js'
import { chat } from './chat/handler.js'
import { embed, embedOne } from './embed.js'
import { ollamaWords } from './errors.js'
import { generate } from './generate/handler.js'
import { running, show, tags, version } from './models.js'

/** Ollama's own API. Its clients bring a key as OpenAI's do, where they know of keys. */
export const ollama: Api = {
  routes: [
    { method: 'GET', pattern: '/api/version', handle: version },
    { method: 'GET', pattern: '/api/tags', handle: tags },
    { method: 'GET', pattern: '/api/ps', handle: running },
    { method: 'POST', pattern: '/api/show', handle: show },
    { method: 'POST', pattern: '/api/chat', handle: chat },
    { method: 'POST', pattern: '/api/generate', handle: generate },
    { method: 'POST', pattern: '/api/embed', handle: embed },
    { method: 'POST', pattern: '/api/embeddings', handle: embedOne },
  ],
  keyOf: openAi.keyOf,
  keyHeaders: openAi.keyHeaders,
  keyExample: openAi.keyExample,
  errorWords: ollamaWords('messages'),
}
