import { createRequire } from 'node:module'
import { InvalidSchemaError } from '../api/errors.js'
import { reasonOf, show } from '../api/show.js'
import type { StandardSchema } from '../api/standard-schema.js'
import { type Check, check, isObject } from './checks.js'

/** A schema as JSON has it, with what validates values of it where it came as more than that. */
interface ReadSchema {
  readonly json: unknown
  readonly standard: StandardSchema | undefined
}

/** Of a schema in any form that is taken. */
export const aSchema: Check<object> = check(
  'a JSON Schema (an object), or a schema of zod or the like',
  (value) => isObject(value) || isSchemaObject(value),
)

/** What is looked for in an object of a schema library. */
interface SchemaObject {
  readonly '~standard'?: Partial<StandardSchema['~standard']> & {
    readonly jsonSchema?: { input?(options: { target: string }): unknown }
  }
  /** zod 4's inside, and zod 3's. */
  readonly _zod?: { readonly run?: unknown }
  readonly _def?: unknown
  toJSONSchema?(options: object): unknown
  toJsonSchema?(): unknown
}

/**
 * Whether it is an object of a schema library, and no JSON Schema: zod's, Valibot's, ArkType's (a
 * function), or another that follows https://standardschema.dev.
 */
function isSchemaObject(value: unknown): value is object {
  const isHolder = typeof value === 'object' ? value !== null : typeof value === 'function'
  if (!isHolder) return false
  const { '~standard': standard, _zod, _def } = value as SchemaObject
  // A function in it, which no JSON has: a schema that came over HTTP is never such an object.
  const isOldZod = _def !== undefined && typeof (value as { parse?: unknown }).parse === 'function'
  return (
    isFunction(standard?.validate) ||
    isFunction(standard?.jsonSchema?.input) ||
    isFunction(_zod?.run) ||
    isOldZod
  )
}

function isFunction(value: unknown): boolean {
  return typeof value === 'function'
}

/**
 * A JSON Schema as it is, or that of a library's object: of what goes into its validation, which
 * is what a model is to write.
 * @param at what errors call the schema
 * @throws InvalidSchemaError where the object tells none
 */
export function readSchema(schema: unknown, at: string): ReadSchema {
  if (!isSchemaObject(schema)) return { json: schema, standard: undefined }
  const object = schema as SchemaObject
  const validates = typeof object['~standard']?.validate === 'function'
  const standard = validates ? (schema as StandardSchema) : undefined
  let failure: { readonly cause: unknown } | undefined
  for (const tell of waysToTell(object)) {
    try {
      return { json: withoutMarks(tell()), standard }
    } catch (cause) {
      failure ??= { cause }
    }
  }
  const expected = `'${at}': expected a schema that tells its JSON Schema, but got`
  if (failure !== undefined) {
    const came = `an error when it was asked (${reasonOf(failure.cause)})`
    throw new InvalidSchemaError(`${expected} ${came}.`, at, failure)
  }
  throw new InvalidSchemaError(`${expected} ${kindOf(object)}; ${advice(object)}.`, at)
}

/** Dialects, the best one first: a library need not write each. */
const targets = ['draft-2020-12', 'draft-07']
const [target] = targets

/** How it can be asked, the best way first. */
function waysToTell(object: SchemaObject): (() => unknown)[] {
  const { '~standard': standard, _zod } = object
  const ways: (() => unknown)[] = []
  const { jsonSchema } = standard ?? {}
  if (typeof jsonSchema?.input === 'function') {
    for (const target of targets) ways.push(() => jsonSchema.input?.({ target }))
  }
  if (typeof object.toJSONSchema === 'function') {
    ways.push(() => object.toJSONSchema?.({ target, io: 'input' }))
  }
  if (_zod !== undefined) ways.push(() => zod().toJSONSchema(object, { target, io: 'input' }))
  // ArkType before it followed the standard.
  if (typeof object.toJsonSchema === 'function') ways.push(() => object.toJsonSchema?.())
  return ways
}

interface Zod {
  toJSONSchema(schema: unknown, options: object): unknown
}

/** Our copy, for zod/mini and zod 4.0 and 4.1. It is loaded only where it is needed. */
function zod(): Zod {
  return createRequire(import.meta.url)('zod') as Zod
}

/** Some libraries put functions and symbols beside, which are not the schema's. */
function withoutMarks(json: unknown): unknown {
  return JSON.parse(JSON.stringify(json))
}

function kindOf({ '~standard': standard, _def }: SchemaObject): string {
  if (typeof standard?.vendor === 'string') return `one of ${show(standard.vendor)} that tells none`
  return `one of ${_def === undefined ? 'a schema library' : '"zod"'} that tells none`
}

/** How a JSON Schema comes of it. */
function advice({ '~standard': standard, _def }: SchemaObject): string {
  const vendor = standard?.vendor
  if (vendor === 'zod' || (vendor === undefined && _def !== undefined)) {
    return "make it with zod 4 (import { z } from 'zod/v4' in zod 3.25 too)"
  }
  if (vendor === 'valibot') {
    return "give toStandardJsonSchema(schema), of '@valibot/to-json-schema'"
  }
  if (vendor === 'arktype') return 'update arktype to 2.1.28 or later'
  return "give the JSON Schema that its library's converter makes of it"
}
