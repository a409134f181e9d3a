import { canonicalJson } from './canonical-json.js'
import {
  isObject,
  type Located,
  overlap,
  ownOf,
  refuse,
  type SchemaObject,
  type TypeName,
  typesOf,
} from './keywords.js'

/** How two of a keyword become one, where both hold. */
const merges: Readonly<Record<string, (one: unknown, two: unknown) => unknown>> = {
  minimum: larger,
  exclusiveMinimum: larger,
  minLength: larger,
  minItems: larger,
  minProperties: larger,
  maximum: smaller,
  exclusiveMaximum: smaller,
  maxLength: smaller,
  maxItems: smaller,
  maxProperties: smaller,
  isWhole: either,
  uniqueItems: either,
  pattern: united,
  notPattern: united,
  format: united,
  contains: united,
  choices: united,
  multipleOf: commonMultiple,
  propertyNames: both,
}

/**
 * One schema for two that both hold, in plain keywords. Undefined where nothing can be both.
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
    const made = ownOf(merges, keyword)?.(one, two)
    if (made === undefined) {
      refuse(`${path}.${keyword}`, 'the same keyword once only, where all of allOf hold', two)
    }
    merged[keyword] = made
  }
  if (!mergeValues(a, b, merged)) return undefined
  return { ...merged, ...mergeArrays(a, b, path), ...mergeObjects(a, b, path) }
}

const mergedApart = new Set([
  'type',
  'enum',
  'const',
  'items',
  'prefixItems',
  'unevaluatedItems',
  'required',
  'properties',
  'patternProperties',
  'additionalProperties',
  'unevaluatedProperties',
])

function larger(one: unknown, two: unknown): number {
  return Math.max(Number(one), Number(two))
}

function smaller(one: unknown, two: unknown): number {
  return Math.min(Number(one), Number(two))
}

function either(one: unknown, two: unknown): boolean {
  return one === true || two === true
}

function both(one: unknown, two: unknown): unknown {
  return { allOf: [one, two] }
}

function united(one: unknown, two: unknown): unknown[] {
  const lists = [...(one as unknown[]), ...(two as unknown[])]
  return [...new Map(lists.map((value) => [canonicalJson(value), value])).values()]
}

/** The least number that is a multiple of both; undefined beyond what is exact. */
function commonMultiple(one: unknown, two: unknown): number | undefined {
  const scale = 10 ** Math.max(fractionDigits(Number(one)), fractionDigits(Number(two)))
  const [a, b] = [Math.round(Number(one) * scale), Math.round(Number(two) * scale)]
  let [x, y] = [a, b]
  while (y > 0) [x, y] = [y, x % y]
  const multiple = (a / x) * b
  return Number.isSafeInteger(multiple) ? multiple / scale : undefined
}

function fractionDigits(value: number): number {
  const [mantissa = '', exponent = '0'] = String(value).split('e')
  return Math.max(0, (mantissa.split('.')[1] ?? '').length - Number(exponent))
}

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

/** Each item holds to what either schema says of its place. */
function mergeArrays(a: SchemaObject, b: SchemaObject, path: string): SchemaObject {
  const merged: Record<string, unknown> = {}
  const lists = [a, b].map(({ prefixItems }) => (prefixItems ?? []) as readonly Located[])
  const rests = [a, b].map(({ items, unevaluatedItems: other }) => {
    return (items ?? (other === undefined ? undefined : { schema: other, path })) as
      | Located
      | undefined
  })
  const length = Math.max(...lists.map((list) => list.length))
  if (length > 0) {
    merged.prefixItems = Array.from({ length }, (_, i) => {
      return locatedBoth(lists.map((list, of) => list[i] ?? rests[of]))
    })
  }
  const items = locatedBoth(rests)
  if (items !== undefined) merged.items = items
  return merged
}

function locatedBoth(parts: readonly (Located | undefined)[]): Located | undefined {
  const [one, two] = parts.filter((part) => part !== undefined)
  if (one === undefined || two === undefined || isSame(one.schema, two.schema)) return one
  return { schema: allOf([one.schema, two.schema]), path: two.path }
}

/** Each property holds to what either schema says of it, by name or as an additional one. */
function mergeObjects(a: SchemaObject, b: SchemaObject, path: string): SchemaObject {
  const merged: Record<string, unknown> = {}
  if (a.required !== undefined || b.required !== undefined) {
    merged.required = [...new Set([a, b].flatMap(({ required }) => [required ?? []].flat()))]
  }
  const additional = [a, b].map(({ additionalProperties }) => additionalProperties)
  const patterns = [a, b].map(({ patternProperties: given }) => (isObject(given) ? given : {}))
  if (a.properties !== undefined || b.properties !== undefined) {
    const keys = new Set([a, b].flatMap(({ properties }) => Object.keys(properties ?? {})))
    merged.properties = Object.fromEntries(
      [...keys].map((key) => {
        const parts = [a, b].map(({ properties }, i) => {
          const own = isObject(properties) ? ownOf(properties, key) : undefined
          // Whether it is an additional one is not known where there are patterns.
          const hasPatterns = Object.keys(patterns[i] as SchemaObject).length > 0
          if (own !== undefined || !hasPatterns || additional[i] === undefined) {
            return own ?? additional[i]
          }
          return refuse(`${path}.patternProperties`, 'none in allOf, beside other properties', key)
        })
        return [key, allOf(parts)]
      }),
    )
  }
  const sources = new Set(patterns.flatMap((given) => Object.keys(given)))
  if (sources.size > 0) {
    merged.patternProperties = Object.fromEntries(
      [...sources].map((source) => {
        const parts = patterns.map((given, i) => ownOf(given, source) ?? additional[i])
        return [source, allOf(parts)]
      }),
    )
  }
  const rest = allOf(additional)
  if (rest !== undefined) merged.additionalProperties = rest
  const others = allOf([a, b].map(({ unevaluatedProperties }) => unevaluatedProperties))
  if (others !== undefined) merged.unevaluatedProperties = others
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
