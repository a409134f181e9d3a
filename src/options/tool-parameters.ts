import { reasonOf } from '../api/show.js'
import type { StandardIssue, StandardSchema } from '../api/tool-types.js'
import { type Check, check, isObject, refused } from './checks.js'

/** What a tool's arguments must be. */
export interface ToolParameters {
  /** What the model is told, and what its calls are held to. */
  readonly schema: Readonly<Record<string, unknown>> | undefined
  /**
   * What a tool gets of what the model wrote.
   * @throws BadArgumentsError
   */
  read(given: object): unknown
}

/** What a schema finds wrong with arguments, in words for the model. */
export class BadArgumentsError extends Error {}

export const parametersCheck: Check<object> = check(
  'a JSON Schema (an object), or a schema of zod or the like',
  (value) => isObject(value) || isStandard(value),
)

/** @throws InvalidOptionError for a schema of a library that does not tell its JSON Schema */
export function readParameters(given: object | undefined, path: string): ToolParameters {
  if (!isStandard(given)) return { schema: given as ToolParameters['schema'], read: asGiven }
  return { schema: jsonSchemaOf(given, path), read: (one) => validated(given, one) }
}

const asGiven = (given: object) => given

/** A function too: ArkType's are. */
function isStandard(value: unknown): value is StandardSchema & JsonSchemaTeller {
  if (value === null || (typeof value !== 'object' && typeof value !== 'function')) return false
  const standard = (value as Partial<StandardSchema>)['~standard']
  return typeof standard?.validate === 'function'
}

/** The ways in which libraries tell it: Standard JSON Schema's, zod's method, ArkType's. */
interface JsonSchemaTeller {
  readonly '~standard': {
    readonly jsonSchema?: { input?: (options: { target: string }) => unknown }
  }
  toJSONSchema?(options: { io: string }): unknown
  toJsonSchema?(): unknown
}

function jsonSchemaOf(schema: JsonSchemaTeller, path: string): Record<string, unknown> {
  const expected = 'a schema that tells its JSON Schema (zod 4.2 or newer does), or a JSON Schema'
  let told: unknown
  try {
    const { jsonSchema } = schema['~standard']
    told =
      jsonSchema?.input?.({ target: 'draft-2020-12' }) ??
      schema.toJSONSchema?.({ io: 'input' }) ??
      schema.toJsonSchema?.()
  } catch (cause) {
    throw refused(path, expected, `an error when it was asked (${reasonOf(cause)})`, { cause })
  }
  if (!isObject(told)) throw refused(path, expected, 'one that does not')
  return told as Record<string, unknown>
}

async function validated(schema: StandardSchema, given: object): Promise<unknown> {
  const result = await schema['~standard'].validate(given)
  if (result.issues === undefined) return result.value
  throw new BadArgumentsError(result.issues.map(inWords).join('; '))
}

function inWords({ message, path = [] }: StandardIssue): string {
  const keys = path.map((one) => String(typeof one === 'object' ? one.key : one))
  return keys.length === 0 ? message : `${keys.join('.')}: ${message}`
}
