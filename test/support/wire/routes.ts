import type { Shape } from './shapes.js'

/** What an endpoint answers with when all is well. For Anthropic's, see anthropic/reader.ts. */
export interface Answer {
  /** `ours` is a body that OpenAI has no declaration for. */
  readonly body: Shape | 'ours'
  /** Of a frame, where it streams. */
  readonly frame?: Shape | 'ours'
  /** Default: OpenAI's. */
  readonly error?: Shape | 'ours'
}

/** Every endpoint, as src/http/dispatch.ts lists them. */
export const answers: Readonly<Record<string, Answer>> = {
  'POST /v1/chat/completions': { body: 'ChatCompletion', frame: 'ChatCompletionChunk' },
  'POST /v1/completions': { body: 'Completion', frame: 'Completion' },
  'POST /v1/embeddings': { body: 'CreateEmbeddingResponse' },
  'POST /v1/decisions': { body: 'Decision' },
  'POST /v1/systemone': { body: 'SystemOne', error: 'SystemOneError' },
  'POST /v1/messages': { body: 'ours' },
  'POST /v1/messages/count_tokens': { body: 'ours' },
  'POST /v1/responses': { body: 'Response', frame: 'ResponseEvent' },
  'POST /v1/responses/input_tokens': { body: 'InputTokens' },
  'GET /v1/responses/{id}/input_items': { body: 'ResponseItemList' },
  'GET /v1/responses/{id}': { body: 'Response' },
  'DELETE /v1/responses/{id}': { body: 'ours' },
  'POST /completion': { body: 'ours', frame: 'ours', error: 'ours' },
  'POST /infill': { body: 'ours', frame: 'ours', error: 'ours' },
  'POST /embedding': { body: 'ours', error: 'ours' },
  'POST /v1/rerank': { body: 'ours', error: 'ours' },
  'POST /v1/reranking': { body: 'ours', error: 'ours' },
  'POST /v2/rerank': { body: 'ours', error: 'ours' },
  'POST /v1/chat/completions/input_tokens': { body: 'ours' },
  'GET /props': { body: 'ours', error: 'ours' },
  'POST /props': { body: 'ours', error: 'ours' },
  'GET /slots': { body: 'ours', error: 'ours' },
  'POST /slots/{id}': { body: 'ours', error: 'ours' },
  'GET /lora-adapters': { body: 'ours', error: 'ours' },
  'POST /lora-adapters': { body: 'ours', error: 'ours' },
  'POST /tokenize': { body: 'ours' },
  'POST /detokenize': { body: 'ours' },
  'POST /apply-template': { body: 'ours' },
  'POST /models/load': { body: 'ours' },
  'POST /models/unload': { body: 'ours' },
  'GET /api/version': { body: 'ours', error: 'ours' },
  'GET /api/tags': { body: 'ours', error: 'ours' },
  'GET /api/ps': { body: 'ours', error: 'ours' },
  'POST /api/show': { body: 'ours', error: 'ours' },
  'POST /api/chat': { body: 'ours', frame: 'ours', error: 'ours' },
  'POST /api/generate': { body: 'ours', frame: 'ours', error: 'ours' },
  'POST /api/embed': { body: 'ours', error: 'ours' },
  'POST /api/embeddings': { body: 'ours', error: 'ours' },
  'POST /api/pull': { body: 'ours', frame: 'ours', error: 'ours' },
  'POST /api/copy': { body: 'ours', error: 'ours' },
  'DELETE /api/delete': { body: 'ours', error: 'ours' },
  'POST /api/create': { body: 'ours', error: 'ours' },
  'POST /api/push': { body: 'ours', error: 'ours' },
  'GET /api/blobs/{id}': { body: 'ours', error: 'ours' },
  'POST /api/blobs/{id}': { body: 'ours', error: 'ours' },
  'GET /api/v0/models': { body: 'ours' },
  'GET /api/v0/models/{id}': { body: 'ours' },
  'POST /api/v0/chat/completions': { body: 'ChatCompletion', frame: 'ChatCompletionChunk' },
  'POST /api/v0/completions': { body: 'Completion', frame: 'Completion' },
  'POST /api/v0/embeddings': { body: 'CreateEmbeddingResponse' },
  'GET /api/v1/models': { body: 'ours' },
  'POST /api/v1/models/load': { body: 'ours' },
  'POST /api/v1/models/unload': { body: 'ours' },
  'GET /v1/models': { body: 'ModelsPage' },
  'GET /v1/models/{id}': { body: 'Model' },
  'GET /metrics': { body: 'ours' },
  'GET /engine': { body: 'ours' },
  'GET /': { body: 'ours' },
  'GET /health': { body: 'ours' },
}

/** The answer of a request's endpoint; undefined where there is none. */
export function answerOf(method: string, path: string): Answer | undefined {
  const verb = method === 'HEAD' ? 'GET' : method
  const plain = (path.split('?', 1)[0] ?? '')
    .replace(/^http:\/\/[^/]*/, '')
    .replace(/\/+/g, '/')
    .replace(/(.)\/$/, '$1')
    .replace(/^(\/v1)+\//, '/')
  if (verb === 'GET' && plain.startsWith('/models/')) return answers['GET /v1/models/{id}']
  const kept = /^\/responses\/[^/]+(\/input_items)?$/.exec(plain)
  if (kept !== null && verb !== 'POST') return answers[`${verb} /v1/responses/{id}${kept[1] ?? ''}`]
  if (plain.startsWith('/api/v0/models/')) return answers['GET /api/v0/models/{id}']
  if (plain.startsWith('/slots/')) return answers['POST /slots/{id}']
  return answers[`${verb} /v1${plain}`] ?? answers[`${verb} ${plain}`]
}
