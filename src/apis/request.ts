import * as z from 'zod'
import { show } from '../api/show.js'
import { type Check, trueOrFalse } from '../options/checks.js'
import { type Input, readInputs } from '../options/inputs.js'
import { isRecord } from '../options/other-words/tool-choice.js'
import { aTokenId } from '../options/request-options.js'
import type { Call } from '../web/call.js'
import { HttpError } from '../web/errors.js'
import { parseJson } from '../web/json.js'
import { knownFieldsOf, unknownFields, unknownNotes } from './unknown-fields.js'

/**
 * Building blocks for request schemas. Every `error` text here names what was expected, as a
 * phrase; `parseRequest` puts field and received value around it.
 */

/** What the schema of a whole body says that it expects. */
export const wholeBody = { error: 'a JSON object as the body' }

/** What a check of an option accepts, in its words. */
export function checked<T>({ expected, accepts }: Check<T>) {
  return z.custom<T>(accepts, { error: expected })
}

/** An object of any keys, as it came. */
export function anObject(error: string) {
  return z.custom<Record<string, unknown>>(isRecord, { error })
}

/** What is null is left out. */
export function isGiven(value: unknown): boolean {
  return value !== undefined && value !== null
}

/** May be left out or null; both read as undefined. */
export function optional<T extends z.ZodType>(schema: T) {
  return schema.nullish().transform((value) => value ?? undefined)
}

/** True or false, and `fallback` where it is left out. */
export function flag(fallback = false) {
  return optional(checked(trueOrFalse)).pipe(z.boolean().default(fallback))
}

/**
 * An array that is read up to its first wrong item: half a million wrong ones would make half a
 * million issues, and hold the event loop for seconds.
 */
export function arrayOf<T extends z.ZodType>(item: T, min: number, max: number, what: string) {
  const error = `an array of ${min === 0 ? 'at most' : `${min} to`} ${max} ${what}`
  return z
    .array(z.unknown(), { error })
    .min(min, { error })
    .max(max, { error })
    .transform((values, context) => {
      const items: z.output<T>[] = []
      for (const [i, value] of values.entries()) {
        const parsed = item.safeParse(value)
        if (!parsed.success) {
          for (const issue of parsed.error.issues) {
            context.issues.push({ ...issue, path: [i, ...issue.path] } as z.core.$ZodRawIssue)
          }
          return z.NEVER
        }
        items.push(parsed.data)
      }
      return items
    })
}

/**
 * A field of OpenAI's that this server cannot honour: a value that asks for nothing passes, any
 * other is refused, because dropping it would change the reply without a word.
 */
export function unsupported(what: string, harmless: (value: unknown) => boolean = () => false) {
  const passes = (value: unknown) => value === undefined || value === null || harmless(value)
  return z.unknown().refine(passes, { error: what }).optional()
}

export const isEmptyArray = (value: unknown) => Array.isArray(value) && value.length === 0

export const isOneOf =
  (...values: unknown[]) =>
  (value: unknown) =>
    values.includes(value)

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

const tokenIdError = `a token id, ${aTokenId.expected}`

/** An array of token ids, which may be empty. Not by zod's own arrays, as in `inputs`. */
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

/** Parses a request by its schema, or throws a 400 that names the first field at fault. */
export function parseRequest<T extends z.ZodType>(schema: T, value: unknown): z.output<T> {
  const parsed = schema.safeParse(value)
  if (parsed.success) return parsed.data
  const [first] = parsed.error.issues
  if (first === undefined) throw new Error('zod failed without an issue')
  throw issueError(deepest(first), value)
}

/**
 * The same of a body's bytes. What fields it has that are not known, `call` notes.
 * @param known default: those of the schema
 */
export function parseBody<T extends z.ZodObject>(
  schema: T,
  bytes: Uint8Array,
  call: Pick<Call, 'note'>,
  known: ReadonlySet<string> = knownFieldsOf(schema),
): z.output<T> {
  const given = parseJson(bytes)
  const request = parseRequest(schema, given)
  call.note(unknownNotes(unknownFields(given, known)))
  return request
}

interface Issue {
  readonly message: string
  readonly path: readonly PropertyKey[]
}

/** Of a union's issues the one furthest in: the alternative that was meant. */
function deepest(issue: z.core.$ZodIssue): Issue {
  if (issue.code !== 'invalid_union') return issue
  const nested = issue.errors
    .flat()
    .map(deepest)
    .map(({ message, path }) => ({ message, path: [...issue.path, ...path] }))
  return nested.reduce<Issue>((a, b) => (b.path.length > a.path.length ? b : a), issue)
}

function issueError({ message, path }: Issue, root: unknown): HttpError {
  const value = path.reduce(valueAt, root)
  if (path.length > 0) return fieldError(nameOf(path), message, value)
  return new HttpError('invalid_request', `Expected ${message}, but got ${show(value)}.`)
}

/** A 400 for a field, whose name is that of the request: `messages[0].role`. */
export function fieldError(field: string, expected: string, value: unknown): HttpError {
  const message = `'${field}': expected ${expected}, but got ${show(value)}.`
  return new HttpError('invalid_request', message, { field })
}

function valueAt(value: unknown, key: PropertyKey): unknown {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, key)
    ? (value as Record<PropertyKey, unknown>)[key]
    : undefined
}

/** `messages[0].role`, the way a client's code would say it. */
function nameOf(path: readonly PropertyKey[]): string {
  return path
    .map((key, i) => (typeof key === 'number' ? `[${key}]` : `${i === 0 ? '' : '.'}${String(key)}`))
    .join('')
}
