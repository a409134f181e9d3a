import { z } from 'zod'
import { type Input, readInputs } from '../options/inputs.js'

/**
 * A list of texts and token ids, whatever form it came in. Not by zod's unions: half a million ids
 * fit into a body, and each would be a check of its own.
 */
export function inputs(options: { emptyTexts: boolean }) {
  return z.unknown().transform((value, context): Input[] => {
    const read = readInputs(value, options)
    if (Array.isArray(read)) return read
    const { expected, path } = read
    context.issues.push({ code: 'custom', message: expected, path: [...path], input: value })
    return z.NEVER
  })
}
