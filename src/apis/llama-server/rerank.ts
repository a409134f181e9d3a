import { randomUUID } from 'node:crypto'
import * as z from 'zod'
import type { RankedDocument } from '../../api/embedding-types.js'
import { aString, int32Max, integerFrom } from '../../options/checks.js'
import { inputsMax } from '../../options/inputs.js'
import { type Answer, json } from '../../web/answer.js'
import type { Call } from '../../web/call.js'
import type { Service } from '../api.js'
import { modelName } from '../openai/generation.js'
import { arrayOf, checked, flag, optional, parseBody, wholeBody } from '../request.js'
import { llamaWords } from './errors.js'

/** A text, or Jina's and Cohere's object around one. */
const aDocument = z.union(
  [checked(aString), z.object({ text: checked(aString) }).transform(({ text }) => text)],
  { error: 'a string, or an object with a "text"' },
)

const someDocuments = optional(arrayOf(aDocument, 1, inputsMax, 'documents'))

/** POST /v1/rerank, in Jina's, Cohere's and TEI's words. Unknown keys pass. */
export const rerankRequest = z
  .object(
    {
      model: modelName,
      query: checked(aString),
      documents: someDocuments,
      texts: someDocuments,
      top_n: optional(checked(integerFrom(1, int32Max))),
      return_documents: flag(),
      return_text: flag(),
    },
    wholeBody,
  )
  .refine(({ documents, texts }) => (documents === undefined) !== (texts === undefined), {
    path: ['documents'],
    error: `an array of 1 to ${inputsMax} documents, here or as "texts"`,
  })

/**
 * POST /v1/rerank: documents by how well they answer a query. A request with `texts` is answered in
 * the shape of Hugging Face's TEI, another in one that has Jina's fields and Cohere's.
 */
export async function rerankDocuments(service: Service, call: Call): Promise<Answer> {
  call.errorWords = llamaWords('documents')
  service.checkServing()
  const request = parseBody(rerankRequest, await call.body(), call)
  const { engine, name } = await service.lease(call, request.model, 'ranks')
  const { query, texts, top_n: topN } = request
  const documents = request.documents ?? texts ?? []
  call.errorWords = llamaWords(texts === undefined ? 'documents' : 'texts')
  call.watch(engine, service.settings.engineStallMs)
  const options = topN === undefined ? {} : { topN }
  const { results, usage } = await engine.rerank(query, documents, options)
  const textOf = ({ index }: RankedDocument) => documents[index] ?? ''
  if (texts !== undefined) {
    const list = results.map((one) => ({
      ...one,
      ...(request.return_text ? { text: textOf(one) } : {}),
    }))
    return json(200, list)
  }
  const { promptTokens } = usage
  return json(200, {
    id: `rerank-${randomUUID()}`,
    object: 'list',
    model: name,
    results: results.map((one) => ({
      index: one.index,
      relevance_score: one.score,
      ...(request.return_documents ? { document: { text: textOf(one) } } : {}),
    })),
    usage: { prompt_tokens: promptTokens, total_tokens: promptTokens },
    meta: { tokens: { input_tokens: promptTokens, output_tokens: 0 } },
  })
}
