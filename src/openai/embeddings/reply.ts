import { endianness } from 'node:os'
import type { EmbedResult } from '../../api/embedding-types.js'
import type { EmbeddingRequest } from './schema.js'

/**
 * The body of a reply, in pieces of one embedding each: thousands of them are megabytes of JSON,
 * and whoever joins them may do something else in between.
 */
export function* embeddingsBody(
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
