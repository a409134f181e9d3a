import { endianness } from 'node:os'
import { setImmediate } from 'node:timers/promises'
import * as z from 'zod'
import type { EmbedResult } from '../../api/embedding-types.js'
import { int32Max, integerFrom } from '../../options/checks.js'
import { type Answer, jsonType, whole } from '../../web/answer.js'
import type { Call } from '../../web/call.js'
import type { Service } from '../api.js'
import { checked, inputs, optional, parseBody, wholeBody } from '../request.js'
import { knownFieldsOf } from '../unknown-fields.js'
import { errorWords } from './errors.js'
import { modelName } from './generation.js'

/** POST /v1/embeddings. Unknown keys pass; null reads as left out. */
export const embeddingRequest = z.object(
  {
    model: modelName,
    input: inputs({ emptyTexts: false }),
    encoding_format: optional(z.enum(['float', 'base64'], { error: '"float" or "base64"' })).pipe(
      z.enum(['float', 'base64']).default('float'),
    ),
    dimensions: optional(checked(integerFrom(1, int32Max))),
  },
  wholeBody,
)

const known = knownFieldsOf(embeddingRequest, ['user'])

type EmbeddingRequest = z.output<typeof embeddingRequest>

/** How long a body is written at a stretch: then others have the event loop's turn. */
const stretchMs = 8

/** POST /v1/embeddings */
export async function embeddings(service: Service, call: Call): Promise<Answer> {
  service.checkServing()
  const request = parseBody(embeddingRequest, await call.body(), call, known)
  const { engine, name } = await service.lease(call, request.model, 'embeddings')
  const { input, dimensions } = request
  call.errorWords = errorWords({ prompt: 'input' })
  call.watch(engine, service.settings.engineStallMs)
  const result = await engine.embed(input, dimensions === undefined ? {} : { dimensions })
  const body = await joined(embeddingsBody({ ...request, model: name }, result))
  call.signal.throwIfAborted()
  return whole(200, jsonType, body)
}

async function joined(pieces: Iterable<string>): Promise<Buffer> {
  const parts: Buffer[] = []
  let since = performance.now()
  for (const piece of pieces) {
    parts.push(Buffer.from(piece))
    if (performance.now() - since < stretchMs) continue
    await setImmediate()
    since = performance.now()
  }
  return Buffer.concat(parts)
}

/**
 * The body of a reply, in pieces of one embedding each: thousands of them are megabytes of JSON,
 * and other work may be done between two pieces.
 */
function* embeddingsBody(
  { model, encoding_format: format }: Pick<EmbeddingRequest, 'model' | 'encoding_format'>,
  { embeddings, usage: { promptTokens } }: EmbedResult,
): Generator<string> {
  yield '{"object":"list","data":['
  for (const [index, vector] of embeddings.entries()) {
    const separator = index === 0 ? '' : ','
    const embedding = format === 'float' ? `[${vector.join(',')}]` : `"${base64(vector)}"`
    yield `${separator}{"object":"embedding","index":${index},"embedding":${embedding}}`
  }
  const usage = JSON.stringify({ prompt_tokens: promptTokens, total_tokens: promptTokens })
  yield `],"model":${JSON.stringify(model)},"usage":${usage}}`
}

/** Of its numbers as little-endian floats of 32 bits. */
function base64(vector: Float32Array): string {
  const bytes = Buffer.from(vector.buffer, vector.byteOffset, vector.byteLength)
  const little = endianness() === 'LE' ? bytes : Buffer.from(bytes).swap32()
  return little.toString('base64')
}
