import { formats, numberFormats } from './formats.js'
import {
  isObject,
  type Located,
  ownOf,
  refuse,
  requiredOf,
  type SchemaObject,
  type TypeName,
  typeNames,
  typeOfValue,
  typesOf,
} from './keywords.js'
import { valuesOf } from './merge.js'

/** Alternatives of which at least one holds; with `isOne` exactly one. */
export interface Choice {
  readonly path: string
  readonly parts: readonly Located[]
  readonly isOne: boolean
  /** What is none of the parts is none of what was meant. */
  readonly isExact: boolean
}

/** What an array must have among its items. */
export interface Contained extends Located {
  readonly min: number
  readonly max: number
}

/** What makes schemas plain asks this of the compiler. */
export interface Host {
  /** Says that a keyword cannot be kept to: refuses, or leaves it out. */
  cannot(path: string, expected: string, value: unknown): void
  /** Schemas that together allow nothing that this one allows; undefined where none are found. */
  negate(schema: unknown, path: string): unknown[] | undefined
}

/**
 * A schema's own keywords in the form that all others of the compiler take, where each stands for
 * itself: `choices` for anyOf, oneOf, not, if and what depends on a property; lists of patterns,
 * formats and `contains`; no keywords of earlier drafts. Undefined where it allows nothing.
 */
export function plainKeywords(
  schema: SchemaObject,
  path: string,
  host: Host,
): SchemaObject | undefined {
  const flat: Record<string, unknown> = { ...schema }
  for (const keyword of rewritten) delete flat[keyword]
  if (schema.nullable === true && schema.type !== undefined) {
    flat.type = [...new Set([...(typesOf(schema, path) ?? []), 'null'])]
  }
  boundsOf(schema, flat)
  textsOf(schema, flat, path)
  itemsOf(schema, flat, path)
  const choices: Choice[] = []
  if (!denied(schema, flat, choices, path, host)) return undefined
  for (const keyword of ['anyOf', 'oneOf'] as const) {
    if (schema[keyword] === undefined) continue
    const list = schema[keyword] as readonly unknown[]
    if (!Array.isArray(list) || list.length === 0) {
      refuse(`${path}.${keyword}`, 'an array of at least one entry', list)
    }
    const parts = list.map((part, i) => ({ schema: part, path: `${path}.${keyword}[${i}]` }))
    const isOne = keyword === 'oneOf'
    choices.push({ path: `${path}.${keyword}`, parts, isOne, isExact: !isOne })
  }
  choices.push(...conditions(schema, path, host), ...dependencies(schema, path))
  if (choices.length > 0) flat.choices = choices
  return flat
}

const rewritten = [
  'nullable',
  'anyOf',
  'oneOf',
  'not',
  'if',
  'then',
  'else',
  'dependencies',
  'dependentRequired',
  'dependentSchemas',
  'pattern',
  'format',
  'items',
  'prefixItems',
  'additionalItems',
  'contains',
  'minContains',
  'maxContains',
]

/** Draft 4 had true and false for what is at the bounds themselves. */
function boundsOf(schema: SchemaObject, flat: Record<string, unknown>): void {
  for (const [exclusive, bound] of [
    ['exclusiveMinimum', 'minimum'],
    ['exclusiveMaximum', 'maximum'],
  ] as const) {
    if (typeof schema[exclusive] !== 'boolean') continue
    delete flat[exclusive]
    if (!schema[exclusive] || schema[bound] === undefined) continue
    flat[exclusive] = schema[bound]
    delete flat[bound]
  }
}

function textsOf(schema: SchemaObject, flat: Record<string, unknown>, path: string): void {
  const { pattern, format } = schema
  if (pattern !== undefined) {
    if (typeof pattern !== 'string') refuse(`${path}.pattern`, 'a string', pattern)
    flat.pattern = [pattern]
  }
  if (typeof format !== 'string') return
  if (ownOf(formats, format) !== undefined) flat.format = [format]
  if (ownOf(numberFormats, format) === 'whole') flat.isWhole = true
  if (format !== 'int32') return
  flat.minimum = Math.max(Number(flat.minimum ?? -(2 ** 31)), -(2 ** 31))
  flat.maximum = Math.min(Number(flat.maximum ?? 2 ** 31 - 1), 2 ** 31 - 1)
}

/** Earlier drafts had the list in "items", and what follows it in "additionalItems". */
function itemsOf(schema: SchemaObject, flat: Record<string, unknown>, path: string): void {
  const { items, prefixItems, additionalItems, contains } = schema
  const isOld = Array.isArray(items)
  const list = isOld ? items : prefixItems
  const at = `${path}.${isOld ? 'items' : 'prefixItems'}`
  if (list !== undefined) {
    if (!Array.isArray(list)) refuse(at, 'an array of schemas', list)
    flat.prefixItems = list.map((item, i): Located => ({ schema: item, path: `${at}[${i}]` }))
  }
  const rest = isOld ? additionalItems : items
  if (rest !== undefined) {
    flat.items = { schema: rest, path: `${path}.${isOld ? 'additionalItems' : 'items'}` }
  }
  if (contains === undefined) return
  const [min, max] = [schema.minContains ?? 1, schema.maxContains ?? Number.POSITIVE_INFINITY]
  if (min === 0 && max === Number.POSITIVE_INFINITY) return
  flat.contains = [
    { schema: contains, path: `${path}.contains`, min: Number(min), max: Number(max) },
  ]
}

/** What `not` says; false where it leaves nothing. */
function denied(
  { not }: SchemaObject,
  flat: Record<string, unknown>,
  choices: Choice[],
  path: string,
  host: Host,
): boolean {
  if (not === undefined) return true
  const at = `${path}.not`
  const { pattern, ...others } = isObject(not) ? not : { pattern: undefined }
  if (typeof pattern === 'string' && Object.keys(others).length === 0) {
    // Of values of other types a pattern says nothing, so that none of them may be.
    if (flat.type !== undefined && !typesOf(flat, path)?.includes('string')) return false
    flat.notPattern = [pattern]
    flat.type = 'string'
    return true
  }
  const negated = host.negate(not, at)
  if (negated === undefined) {
    host.cannot(at, 'a schema whose opposite can be said; or leave it out', not)
    return true
  }
  if (negated.length === 0) return false
  choices.push(alternatives(negated, at))
  return true
}

/** Either the condition and `then`, or not the condition and `else`. */
function conditions(schema: SchemaObject, path: string, host: Host): Choice[] {
  const { if: condition, then = true, else: otherwise = true } = schema
  if (condition === undefined || (then === true && otherwise === true)) return []
  const at = `${path}.if`
  const negated = host.negate(condition, at)
  // Where the opposite cannot be said: what is valid either way.
  const others = negated ?? [then]
  const parts = [
    { allOf: [condition, then] },
    ...others.map((other) => ({ allOf: [{ anyOf: [other] }, otherwise] })),
  ]
  return [alternatives(parts, at)]
}

function alternatives(schemas: readonly unknown[], path: string): Choice {
  const parts = schemas.map((schema) => ({ schema, path }))
  return { path, parts, isOne: false, isExact: false }
}

/** Either a property is not there, or what it asks for is. */
function dependencies(schema: SchemaObject, path: string): Choice[] {
  return ['dependentRequired', 'dependentSchemas', 'dependencies'].flatMap((keyword) => {
    const given = schema[keyword]
    if (given === undefined) return []
    if (!isObject(given)) refuse(`${path}.${keyword}`, 'an object', given)
    return Object.entries(given).map(([key, asked]): Choice => {
      const at = `${path}.${keyword}.${key}`
      const more = Array.isArray(asked) ? { required: asked } : asked
      const parts = [
        { properties: { [key]: false } },
        { allOf: [{ type: 'object', required: [key] }, more] },
      ]
      return { ...alternatives(parts, at), isExact: true }
    })
  })
}

/**
 * Schemas that together allow what a plain one does not: no more than that, and less where it
 * cannot all be said. Undefined where nothing of it can.
 */
export function opposites(
  flat: SchemaObject,
  path: string,
  negate: (schema: unknown, path: string) => unknown[] | undefined,
): unknown[] | undefined {
  const found: unknown[] = []
  let isLost = false
  for (const keyword of Object.keys(flat)) {
    const some = oppositesOf(keyword, flat, path, negate)
    if (some === undefined) isLost = true
    else found.push(...some)
  }
  return found.length === 0 && isLost ? undefined : found
}

type Negate = (schema: unknown, path: string) => unknown[] | undefined

function oppositesOf(
  keyword: string,
  flat: SchemaObject,
  path: string,
  negate: Negate,
): unknown[] | undefined {
  const value = flat[keyword]
  const limit = typeof value === 'number' ? value : Number.NaN // of a keyword that counts
  switch (keyword) {
    case 'type':
      return otherTypes(typesOf(flat, path) ?? [])
    case 'enum':
    case 'const':
      return otherValues(valuesOf(flat) ?? [])
    case 'pattern':
      return (value as string[]).map((pattern) => ({ type: 'string', not: { pattern } }))
    case 'notPattern':
      return (value as string[]).map((pattern) => ({ type: 'string', pattern }))
    case 'minLength':
      return limit > 0 ? [{ type: 'string', maxLength: limit - 1 }] : []
    case 'maxLength':
      return [{ type: 'string', minLength: limit + 1 }]
    case 'minimum':
      return [{ type: 'number', exclusiveMaximum: limit }]
    case 'maximum':
      return [{ type: 'number', exclusiveMinimum: limit }]
    case 'exclusiveMinimum':
      return [{ type: 'number', maximum: limit }]
    case 'exclusiveMaximum':
      return [{ type: 'number', minimum: limit }]
    case 'minItems':
      return limit > 0 ? [{ type: 'array', maxItems: limit - 1 }] : []
    case 'maxItems':
      return [{ type: 'array', minItems: limit + 1 }]
    case 'minProperties':
      return limit > 0 ? [{ type: 'object', maxProperties: limit - 1 }] : []
    case 'maxProperties':
      return [{ type: 'object', minProperties: limit + 1 }]
    case 'required':
      return requiredOf(flat, path).map((key) => ({ type: 'object', properties: { [key]: false } }))
    case 'properties':
      return otherProperties(value, path, negate)
    case 'items':
      return flat.prefixItems === undefined ? otherItems(value as Located, negate) : undefined
    case 'choices':
      return otherChoices(value as readonly Choice[], negate)
    default:
      return undefined
  }
}

function otherTypes(types: readonly TypeName[]): unknown[] {
  const isNumber = (name: TypeName) => name === 'integer' || name === 'number'
  const others = typeNames.filter((name) => {
    return !types.includes(name) && !(isNumber(name) && types.some(isNumber))
  })
  return others.length === 0 ? [] : [{ type: others }]
}

function otherValues(values: readonly unknown[]): unknown[] {
  const found: unknown[] = otherTypes([...new Set(values.map(typeOfValue))])
  const strings = values.filter((value) => typeof value === 'string')
  if (strings.length > 0) {
    found.push({ type: 'string', not: { pattern: patternOfTexts(strings) } })
  }
  if (values.includes(true) !== values.includes(false))
    found.push({ const: !values.includes(true) })
  const numbers = values.filter((value) => typeof value === 'number').sort((a, b) => a - b)
  numbers.forEach((number, i) => {
    const below = numbers[i - 1]
    const least = below === undefined ? {} : { exclusiveMinimum: below }
    found.push({ type: 'number', exclusiveMaximum: number, ...least })
  })
  if (numbers.length > 0) found.push({ type: 'number', exclusiveMinimum: numbers.at(-1) })
  return found
}

/** A pattern that matches these texts and no others. */
export function patternOfTexts(texts: readonly string[]): string {
  const escaped = texts.map((text) => text.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&'))
  return `^(?:${escaped.join('|')})$`
}

function otherProperties(properties: unknown, path: string, negate: Negate): unknown[] | undefined {
  if (!isObject(properties)) refuse(`${path}.properties`, 'an object of schemas', properties)
  const found = Object.entries(properties).map(([key, schema]) => {
    const negated = negate(schema, `${path}.properties.${key}`)
    if (negated === undefined || negated.length === 0) return negated
    return [{ type: 'object', required: [key], properties: { [key]: { anyOf: negated } } }]
  })
  const some = found.flatMap((schemas) => schemas ?? [])
  return some.length === 0 && found.includes(undefined) ? undefined : some
}

/** An array with an item that is none. */
function otherItems({ schema, path }: Located, negate: Negate): unknown[] | undefined {
  const negated = negate(schema, path)
  if (negated === undefined || negated.length === 0) return negated
  return [{ type: 'array', contains: { anyOf: negated } }]
}

/** Of each choice: none of its alternatives. */
function otherChoices(choices: readonly Choice[], negate: Negate): unknown[] | undefined {
  const found = choices.map(({ parts, isExact }) => {
    if (!isExact) return undefined
    const none = parts.map(({ schema, path }) => negate(schema, path))
    if (none.includes(undefined)) return undefined
    if (none.some((schemas) => schemas?.length === 0)) return []
    return [{ allOf: none.map((schemas) => ({ anyOf: schemas })) }]
  })
  const some = found.flatMap((schemas) => schemas ?? [])
  return some.length === 0 && found.includes(undefined) ? undefined : some
}
