import {
  overlap,
  type SchemaObject,
  type TypeName,
  typeNames,
  typeOfValue,
  typesOf,
} from './keywords.js'
import { valuesOf } from './merge.js'

/** What tells the values of one alternative from those of another. */
export interface Shape {
  /** The types that are written for it, and those that it allows by itself; undefined is all. */
  readonly written: readonly TypeName[] | undefined
  readonly allowed: readonly TypeName[] | undefined
  /** The values it names, as JSON. */
  readonly values: ReadonlySet<string> | undefined
  readonly required: readonly string[]
  /** The keys that are written; undefined where any may be. */
  readonly keys: readonly string[] | undefined
  /** Properties that are one of named values, as JSON. */
  readonly tags: ReadonlyMap<string, ReadonlySet<string>>
}

/** Of a schema without $ref and allOf. `resolve` makes that of a property's schema. */
export function shapeOf(
  schema: SchemaObject,
  path: string,
  resolve: (schema: unknown) => SchemaObject | undefined,
): Shape {
  const values = valuesOf(schema)
  const properties = Object.entries((schema.properties as SchemaObject | undefined) ?? {})
  const tags = properties.flatMap(([key, value]) => {
    const named = valuesOf(resolve(value) ?? {})
    return named === undefined ? [] : [[key, asJson(named)] as const]
  })
  const isOpen = (schema.additionalProperties ?? properties.length === 0) !== false
  const required = Array.isArray(schema.required) ? (schema.required as string[]) : []
  const isUnion = schema.anyOf !== undefined || schema.oneOf !== undefined
  const named = values && [...new Set(values.map(typeOfValue))]
  const typed = named ?? (schema.type === undefined ? undefined : typesOf(schema, path))
  return {
    written: isUnion ? typed : (typed ?? typesOf(schema, path)),
    allowed: typed,
    values: values === undefined ? undefined : asJson(values),
    required,
    keys: isOpen ? undefined : [...properties.map(([key]) => key), ...required],
    tags: new Map(tags),
  }
}

/** Whether nothing that is written for one alternative can be what the other allows too. */
export function areApart(a: Shape, b: Shape): boolean {
  const common = [...shared(a.written, b.allowed), ...shared(b.written, a.allowed)]
  if (common.length === 0) return true
  if (a.values !== undefined && b.values !== undefined) return areDisjoint(a.values, b.values)
  return common.every((type) => type === 'object') && (haveTag(a, b) || haveKeys(a, b))
}

function shared(
  written: Shape['written'] = typeNames,
  allowed: Shape['allowed'] = typeNames,
): TypeName[] {
  return written.filter((one) => allowed.some((two) => overlap(one, two)))
}

/** A property that one of them must have, and whose values are others in the other. */
function haveTag(a: Shape, b: Shape): boolean {
  return [...a.tags].some(([key, values]) => {
    const others = b.tags.get(key)
    const isThere = a.required.includes(key) || b.required.includes(key)
    return isThere && others !== undefined && areDisjoint(values, others)
  })
}

/** Each of them must have a property that is never written for the other. */
function haveKeys(a: Shape, b: Shape): boolean {
  const lacks = ({ keys }: Shape, { required }: Shape) =>
    keys !== undefined && required.some((key) => !keys.includes(key))
  return lacks(a, b) && lacks(b, a)
}

function asJson(values: readonly unknown[]): Set<string> {
  return new Set(values.map((value) => JSON.stringify(value)))
}

function areDisjoint(a: ReadonlySet<string>, b: ReadonlySet<string>): boolean {
  return [...a].every((value) => !b.has(value))
}
