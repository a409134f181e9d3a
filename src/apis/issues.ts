import type { z } from 'zod'
import { show } from '../api/show.js'
import { HttpError } from '../web/errors.js'
import { parseJson } from '../web/json.js'

/** Parses a request by its schema, or throws a 400 that names the first field at fault. */
export function parseRequest<T extends z.ZodType>(schema: T, value: unknown): z.output<T> {
  const parsed = schema.safeParse(value)
  if (parsed.success) return parsed.data
  const [first] = parsed.error.issues
  if (first === undefined) throw new Error('zod failed without an issue')
  throw issueError(deepest(first), value)
}

/** The same of a body's bytes. */
export function parseBody<T extends z.ZodType>(schema: T, bytes: Uint8Array): z.output<T> {
  return parseRequest(schema, parseJson(bytes))
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
  const got = show(path.reduce(valueAt, root))
  if (path.length === 0) {
    return new HttpError('invalid_request', `Expected ${message}, but got ${got}.`)
  }
  const param = nameOf(path)
  return new HttpError('invalid_request', `'${param}': expected ${message}, but got ${got}.`, {
    field: param,
  })
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
