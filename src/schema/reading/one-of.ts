import { type SchemaObject, type TypeName, typeNames, typeOfValue, typesOf } from './keywords.js'
import { valuesOf } from './merge.js'

/** What tells the values of one alternative from those of another. */
export interface Shape {
  /** The types that are written for it, and those that it allows by itself: a bit for each. */
  readonly written: number
  readonly allowed: number
  /** The values it names, as JSON. */
  readonly values: ReadonlySet<string> | undefined
  readonly required: readonly string[]
  /** The keys that are written; undefined where any may be. */
  readonly keys: ReadonlySet<string> | undefined
  /** Properties that are one of named values, as JSON. */
  readonly tags: ReadonlyMap<string, ReadonlySet<string>>
}

/** Whole numbers are numbers: one bit for both. */
const bitOf = new Map(
  typeNames.map((name, i) => [
    name,
    name === 'integer' ? 1 << typeNames.indexOf('number') : 1 << i,
  ]),
)
const objectBit = bitOf.get('object')

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
  const isUnion = schema.choices !== undefined
  const named = values && [...new Set(values.map(typeOfValue))]
  const typed = named ?? (schema.type === undefined ? undefined : typesOf(schema, path))
  return {
    written: bitsOf(isUnion ? typed : (typed ?? typesOf(schema, path))),
    allowed: bitsOf(typed),
    values: values === undefined ? undefined : asJson(values),
    required,
    keys: isOpen ? undefined : new Set([...properties.map(([key]) => key), ...required]),
    tags: new Map(tags),
  }
}

/** How much areApart may look at, each of a shape's own. */
export function extentOf({ values, tags, required }: Shape): number {
  const named = [...tags.values()].reduce((sum, { size }) => sum + size, 0)
  return 1 + (values?.size ?? 0) + named + required.length
}

/** Whether nothing that is written for one alternative can be what the other allows too. */
export function areApart(a: Shape, b: Shape): boolean {
  const common = (a.written & b.allowed) | (b.written & a.allowed)
  if (common === 0) return true
  if (a.values !== undefined && b.values !== undefined) return areDisjoint(a.values, b.values)
  return common === objectBit && (haveTag(a, b) || haveKeys(a, b))
}

/** Undefined is all of them. */
function bitsOf(types: readonly TypeName[] = typeNames): number {
  return types.reduce((bits, name) => bits | (bitOf.get(name) ?? 0), 0)
}

/** A property that one of them must have, and whose values are others in the other. */
function haveTag(a: Shape, b: Shape): boolean {
  return mustHaveTag(a, b) || mustHaveTag(b, a)
}

function mustHaveTag({ tags, required }: Shape, other: Shape): boolean {
  return required.some((key) => {
    const [values, others] = [tags.get(key), other.tags.get(key)]
    return values !== undefined && others !== undefined && areDisjoint(values, others)
  })
}

/** Each of them must have a property that is never written for the other. */
function haveKeys(a: Shape, b: Shape): boolean {
  const lacks = ({ keys }: Shape, { required }: Shape) =>
    keys !== undefined && required.some((key) => !keys.has(key))
  return lacks(a, b) && lacks(b, a)
}

function asJson(values: readonly unknown[]): Set<string> {
  return new Set(values.map((value) => JSON.stringify(value)))
}

function areDisjoint(a: ReadonlySet<string>, b: ReadonlySet<string>): boolean {
  if (a.size > b.size) return areDisjoint(b, a)
  for (const value of a) if (b.has(value)) return false
  return true
}
