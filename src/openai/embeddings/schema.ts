import { z } from 'zod'
import { readEmbedInput } from '../../config/embed-options.js'
import { int32Max, integerFrom, optional } from '../fields.js'

/**
 * A list of texts and token ids, whatever form it came in. Not by zod's unions: half a million ids
 * fit into a body, and each would be a check of its own.
 */
const input = z.unknown().transform((value, context): (string | Int32Array)[] => {
  const read = readEmbedInput(value)
  if (Array.isArray(read)) return read
  const { expected, path } = read
  context.issues.push({ code: 'custom', message: expected, path: [...path], input: value })
  return z.NEVER
})

/** POST /v1/embeddings. Unknown keys pass; null reads as left out. */
export const embeddingRequest = z.object(
  {
    model: z.string({ error: 'the name of a model, such as "default"' }),
    input,
    encoding_format: optional(z.enum(['float', 'base64'], { error: '"float" or "base64"' })).pipe(
      z.enum(['float', 'base64']).default('float'),
    ),
    dimensions: optional(integerFrom(1, int32Max)),
  },
  { error: 'a JSON object as the body' },
)

export type EmbeddingRequest = z.output<typeof embeddingRequest>
