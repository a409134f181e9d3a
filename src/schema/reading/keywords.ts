import { InvalidSchemaError } from '../../api/errors.js'
import { show } from '../../api/show.js'

/** A schema that is not just true or false. */
export type SchemaObject = { readonly [keyword: string]: unknown }

/** A schema with where it stands. */
export interface Located {
  readonly schema: unknown
  readonly path: string
}

/** @throws InvalidSchemaError that says what was expected at `path`, and what came */
export function refuse(path: string, expected: string, value: unknown): never {
  throw new InvalidSchemaError(`'${path}': expected ${expected}, but got ${show(value)}.`, path)
}

export function isObject(value: unknown): value is SchemaObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** An object's own value of a key: names such as `constructor` are keys like all others. */
export function ownOf<T>(object: Readonly<Record<string, T>>, key: string): T | undefined {
  return Object.hasOwn(object, key) ? object[key] : undefined
}

export const typeNames = [
  'null',
  'boolean',
  'integer',
  'number',
  'string',
  'array',
  'object',
] as const

export type TypeName = (typeof typeNames)[number]

const aboutType: Readonly<Record<string, TypeName>> = {
  minimum: 'number',
  maximum: 'number',
  exclusiveMinimum: 'number',
  exclusiveMaximum: 'number',
  multipleOf: 'number',
  isWhole: 'number',
  minLength: 'string',
  maxLength: 'string',
  pattern: 'string',
  notPattern: 'string',
  format: 'string',
  items: 'array',
  prefixItems: 'array',
  additionalItems: 'array',
  minItems: 'array',
  maxItems: 'array',
  uniqueItems: 'array',
  contains: 'array',
  minContains: 'array',
  maxContains: 'array',
  unevaluatedItems: 'array',
  properties: 'object',
  required: 'object',
  additionalProperties: 'object',
  patternProperties: 'object',
  propertyNames: 'object',
  minProperties: 'object',
  maxProperties: 'object',
  dependentRequired: 'object',
  dependentSchemas: 'object',
  dependencies: 'object',
  unevaluatedProperties: 'object',
}

/** Keywords of our own, in plain schemas: they do not count in a given one. */
const ours = new Set(['isWhole', 'notPattern', 'choices'])

/** The type that a keyword is about: it says nothing of values of other types. */
export function typeAbout(keyword: string): TypeName | undefined {
  return ownOf(aboutType, keyword)
}

/** Keywords about all values. Others than these and those about a type constrain nothing. */
const aboutAll = new Set([
  'type',
  'nullable',
  'enum',
  'const',
  'anyOf',
  'oneOf',
  'allOf',
  'not',
  'if',
  'then',
  'else',
  '$ref',
  '$dynamicRef',
  '$recursiveRef',
])

/** A schema without what constrains nothing: JSON Schema wants what it does not know ignored. */
export function constraintsOf(schema: SchemaObject): SchemaObject {
  const kept = Object.entries(schema).filter(([keyword, value]) => {
    if (value === undefined || ours.has(keyword)) return false
    return aboutAll.has(keyword) || typeAbout(keyword) !== undefined
  })
  return Object.fromEntries(kept)
}

/**
 * The types that a schema allows: what it says, or those that its keywords are about. Undefined
 * where it says nothing of them.
 */
export function typesOf(schema: SchemaObject, path: string): TypeName[] | undefined {
  const { type } = schema
  if (type === undefined) {
    const about = Object.keys(schema).flatMap((keyword) => typeAbout(keyword) ?? [])
    return about.length === 0 ? undefined : [...new Set(about)]
  }
  const names: unknown[] = Array.isArray(type) ? type : [type]
  const wrong = names.find((name) => !typeNames.includes(name as TypeName))
  if (wrong !== undefined || names.length === 0) {
    refuse(`${path}.type`, `${typeNames.join(', ')}, or an array of them`, wrong ?? type)
  }
  const given = new Set(names as TypeName[])
  if (given.has('number')) given.delete('integer')
  return [...given]
}

export function typeOfValue(value: unknown): TypeName {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'array'
  if (typeof value === 'number') return Number.isInteger(value) ? 'integer' : 'number'
  return typeof value as TypeName
}

/** Whether a value of one type can be one of another: whole numbers are numbers. */
export function overlap(a: TypeName, b: TypeName): boolean {
  const isNumber = (name: TypeName) => name === 'integer' || name === 'number'
  return a === b || (isNumber(a) && isNumber(b))
}

/** A count such as minItems, or `otherwise` where it is left out. */
export function countOf(
  schema: SchemaObject,
  keyword: string,
  otherwise: number,
  path: string,
): number {
  const value = schema[keyword]
  if (value === undefined) return otherwise
  if (Number.isInteger(value) && (value as number) >= 0) return value as number
  refuse(`${path}.${keyword}`, 'a whole number of 0 or more', value)
}

/** A number such as minimum, or undefined where it is left out. */
export function numberOf(schema: SchemaObject, keyword: string, path: string): number | undefined {
  const value = schema[keyword]
  if (value === undefined || typeof value === 'number') return value
  refuse(`${path}.${keyword}`, 'a number', value)
}

/** The schemas by key of a keyword such as properties. */
export function entriesOf(
  schema: SchemaObject,
  keyword: string,
  path: string,
): [string, unknown][] {
  const value = schema[keyword] ?? {}
  if (isObject(value)) return Object.entries(value)
  refuse(`${path}.${keyword}`, 'an object', value)
}

/** The list of a keyword such as anyOf or enum: at least one entry. */
export function listOf(schema: SchemaObject, keyword: string, path: string): readonly unknown[] {
  const value = schema[keyword]
  if (Array.isArray(value) && value.length > 0) return value
  refuse(`${path}.${keyword}`, 'an array of at least one entry', value)
}

/** The strings of `required`. */
export function requiredOf(schema: SchemaObject, path: string): string[] {
  const value = schema.required ?? []
  if (Array.isArray(value) && value.every((name) => typeof name === 'string')) return value
  refuse(`${path}.required`, 'an array of strings', value)
}
