import { z } from 'zod'
import { aTokenId } from '../options/request-options.js'
import { HttpError } from '../web/errors.js'

/**
 * Token ids of a request. Not by zod's own arrays: half a million of them fit into a body, and each
 * would be a check of its own.
 */

const tokenIdError = `a token id, ${aTokenId.expected}`

/** An array of token ids, which may be empty. */
export const tokenIds = z
  .array(z.unknown(), { error: 'an array of token ids' })
  .transform((values, context): Int32Array => {
    const wrong = values.findIndex((value) => !aTokenId.accepts(value))
    if (wrong < 0) return Int32Array.from(values as number[])
    context.issues.push({ code: 'custom', message: tokenIdError, path: [wrong], input: values })
    return z.NEVER
  })

/**
 * Throws a 400 for an id that is not in a vocabulary of so many.
 * @param path where the ids stand in the request, for example `prompt[2]`
 */
export function checkVocabulary(tokens: Int32Array, vocabulary: number, path: string): void {
  const wrong = tokens.findIndex((token) => token >= vocabulary)
  if (wrong < 0) return
  const param = `${path}[${wrong}]`
  throw new HttpError(
    'invalid_request',
    `'${param}': expected a token id of this model, a whole number from 0 to ` +
      `${vocabulary - 1}, but got ${tokens[wrong]}.`,
    { field: param },
  )
}
