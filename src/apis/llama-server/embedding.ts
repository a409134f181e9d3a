import * as z from 'zod'
import { type Answer, json } from '../../web/answer.js'
import type { Call } from '../../web/call.js'
import type { Service } from '../api.js'
import { modelName } from '../openai/generation.js'
import { inputs, optional, parseBody, wholeBody } from '../request.js'
import { llamaWords } from './errors.js'

const someInput = optional(inputs({ emptyTexts: false }))

/** POST /embedding: `content` and `input` are two names of one field. */
export const llamaEmbeddingRequest = z
  .object({ model: modelName, content: someInput, input: someInput }, wholeBody)
  .refine(({ content, input }) => (content === undefined) !== (input === undefined), {
    path: ['content'],
    error: 'a text, token ids, or an array of those, here or as "input"',
  })

/** POST /embedding: one vector a row, as llama-server has it. */
export async function llamaEmbedding(service: Service, call: Call): Promise<Answer> {
  call.errorWords = llamaWords('content')
  service.checkServing()
  const request = parseBody(llamaEmbeddingRequest, await call.body(), call)
  const { engine } = await service.lease(call, request.model, 'embeddings')
  call.errorWords = llamaWords(request.content === undefined ? 'input' : 'content')
  call.watch(engine, service.settings.engineStallMs)
  const { embeddings } = await engine.embed(request.content ?? request.input ?? [], {})
  const list = embeddings.map((vector, index) => ({ index, embedding: [Array.from(vector)] }))
  return json(200, list)
}
