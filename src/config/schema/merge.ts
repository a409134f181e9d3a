import { canonicalJson } from './canonical-json.js'
import {
  isObject,
  overlap,
  ownOf,
  refuse,
  type SchemaObject,
  type TypeName,
  typesOf,
} from './keywords.js'

/** Keywords of which the larger one holds, and those of which the smaller one does. */
const larger = ['minimum', 'exclusiveMinimum', 'minLength', 'minItems', 'minProperties']
const smaller = ['maximum', 'exclusiveMaximum', 'maxLength', 'maxItems', 'maxProperties']

/**
 * One schema for two that both hold, neither of them with $ref or allOf. Undefined where nothing
 * can be both.
 * @throws InvalidSchemaError for two of a keyword that cannot be made one
 */
export function merge(a: SchemaObject, b: SchemaObject, path: string): SchemaObject | undefined {
  const merged: Record<string, unknown> = { ...a, ...b }
  if (a.type !== undefined && b.type !== undefined) {
    const types = commonTypes(typesOf(a, path) ?? [], typesOf(b, path) ?? [])
    if (types.length === 0) return undefined
    merged.type = types
  }
  for (const keyword of Object.keys(b)) {
    const [one, two] = [ownOf(a, keyword), b[keyword]]
    if (one === undefined || mergedApart.has(keyword) || isSame(one, two)) continue
    if (larger.includes(keyword)) merged[keyword] = Math.max(Number(one), Number(two))
    else if (smaller.includes(keyword)) merged[keyword] = Math.min(Number(one), Number(two))
    else if (keyword === 'items') merged.items = { allOf: [one, two] }
    else if (keyword === 'uniqueItems') merged.uniqueItems = one === true || two === true
    else {
      refuse(`${path}.${keyword}`, 'the same keyword once only, where all of allOf hold', two)
    }
  }
  return mergeValues(a, b, merged) ? { ...merged, ...mergeObjects(a, b) } : undefined
}

const mergedApart = new Set([
  'type',
  'enum',
  'const',
  'required',
  'properties',
  'additionalProperties',
  'unevaluatedProperties',
])

function commonTypes(a: readonly TypeName[], b: readonly TypeName[]): TypeName[] {
  const common = a.flatMap((one) => {
    return b.filter((two) => overlap(one, two)).map((two) => (one === 'integer' ? one : two))
  })
  return [...new Set(common)]
}

/** Of enum and const, those in both. False where there is none. */
function mergeValues(a: SchemaObject, b: SchemaObject, merged: Record<string, unknown>): boolean {
  const lists = [valuesOf(a), valuesOf(b)].filter((values) => values !== undefined)
  if (lists.length < 2) return true
  const [first = [], second = []] = lists
  delete merged.const
  const others = new Set(second.map(canonicalJson))
  const common = first.filter((one) => others.has(canonicalJson(one)))
  merged.enum = common
  return common.length > 0
}

/** The values that a schema names, or undefined where it names none. */
export function valuesOf(schema: SchemaObject): readonly unknown[] | undefined {
  if (Object.hasOwn(schema, 'const')) {
    const { enum: others } = schema
    const isOne = !Array.isArray(others) || others.some((one) => isSame(one, schema.const))
    return isOne ? [schema.const] : []
  }
  return Array.isArray(schema.enum) ? schema.enum : undefined
}

/** Each property holds to what either schema says of it, by name or as an additional one. */
function mergeObjects(a: SchemaObject, b: SchemaObject): SchemaObject {
  const merged: Record<string, unknown> = {}
  if (a.required !== undefined || b.required !== undefined) {
    merged.required = [...new Set([a, b].flatMap(({ required }) => [required ?? []].flat()))]
  }
  const additional = [a, b].map(({ additionalProperties }) => additionalProperties)
  if (a.properties !== undefined || b.properties !== undefined) {
    const keys = new Set([a, b].flatMap(({ properties }) => Object.keys(properties ?? {})))
    merged.properties = Object.fromEntries(
      [...keys].map((key) => {
        const parts = [a, b].map(
          ({ properties }, i) =>
            (isObject(properties) ? ownOf(properties, key) : undefined) ?? additional[i],
        )
        return [key, allOf(parts)]
      }),
    )
  }
  const both = allOf(additional)
  if (both !== undefined) merged.additionalProperties = both
  if (a.unevaluatedProperties === false || b.unevaluatedProperties === false) {
    merged.unevaluatedProperties = false
  }
  return merged
}

function isSame(one: unknown, two: unknown): boolean {
  return one === two || canonicalJson(one) === canonicalJson(two)
}

function allOf(parts: readonly unknown[]): unknown {
  const given = parts.filter((part) => part !== undefined)
  if (given.includes(false)) return false
  return given.length < 2 ? given[0] : { allOf: given }
}
