import { z } from 'zod'
import { int32Max, integerFrom } from '../../options/checks.js'
import { checked, optional } from '../fields.js'
import { modelName } from '../generation.js'
import { inputs } from '../inputs.js'

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
  { error: 'a JSON object as the body' },
)

export type EmbeddingRequest = z.output<typeof embeddingRequest>
