import type { z } from 'zod'
import { parseRequest } from '../openai/issues.js'
import { parseJson } from '../openai/json.js'
import { inOurWords } from '../openai/words.js'
import type { Exchange } from './exchange.js'

/** Names of fields that a header repeats, and how many. */
const namePattern = /^[\w.-]{1,64}$/
const namesMax = 32

/**
 * A request for text, in whichever server's words, by its schema; or throws a 400 that names the
 * field at fault as the request does. Fields of which nothing is known have no effect: the answer
 * says which in `x-sluice-ignored`.
 */
export function parseTranslated<T extends z.ZodObject>(
  exchange: Exchange,
  schema: T,
  bytes: Uint8Array,
  isChat: boolean,
): z.output<T> {
  const { body, names, unknown } = inOurWords(parseJson(bytes), Object.keys(schema.shape), isChat)
  exchange.fieldNames = names
  const told = unknown.filter((name) => namePattern.test(name)).slice(0, namesMax)
  if (told.length > 0) exchange.res.setHeader('x-sluice-ignored', told.join(', '))
  return parseRequest(schema, body)
}
