import type { Api } from '../api.js'
import { openAi } from '../openai/api.js'
import { copyModel, deleteModel, notHere } from './changes.js'
import { chat } from './chat/handler.js'
import { embed, embedOne } from './embed.js'
import { ollamaWords } from './errors.js'
import { generate } from './generate/handler.js'
import { running, show, tags, version } from './models.js'
import { pullModel } from './pull.js'

/** Ollama's own API. Its clients bring a key as OpenAI's do, where they know of keys. */
export const ollama: Api = {
  ...openAi,
  routes: [
    { method: 'GET', pattern: '/api/version', handle: version },
    { method: 'GET', pattern: '/api/tags', handle: tags },
    { method: 'GET', pattern: '/api/ps', handle: running },
    { method: 'POST', pattern: '/api/show', handle: show },
    { method: 'POST', pattern: '/api/chat', handle: chat },
    { method: 'POST', pattern: '/api/generate', handle: generate },
    { method: 'POST', pattern: '/api/embed', handle: embed },
    { method: 'POST', pattern: '/api/embeddings', handle: embedOne },
    { method: 'POST', pattern: '/api/pull', handle: pullModel },
    { method: 'POST', pattern: '/api/copy', handle: copyModel },
    { method: 'DELETE', pattern: '/api/delete', handle: deleteModel },
    { method: 'POST', pattern: '/api/create', handle: notHere },
    { method: 'POST', pattern: '/api/push', handle: notHere },
    { method: 'GET', pattern: '/api/blobs/{id}', handle: notHere },
    { method: 'POST', pattern: '/api/blobs/{id}', handle: notHere },
  ],
  errorWords: ollamaWords('messages'),
}
