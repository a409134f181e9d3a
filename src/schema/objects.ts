import type { Compiler } from './compiler.js'
import { countOf, entriesOf, isObject, requiredOf, type SchemaObject } from './reading/keywords.js'
import { valuesOf } from './reading/merge.js'
import type { StringLimits } from './strings/string-rules.js'
import { anyJson, whitespace } from './writing/json-text.js'
import { otherKey } from './writing/keys.js'
import { literal, type Rules } from './writing/rules.js'

export interface Property {
  key: string
  schema: unknown
  path: string
  isRequired: boolean
}

/** States of an object that counts its properties: places times counts. */
const countedStatesMax = 4000
/** Patterns of keys: each key is told apart by which of them match. */
const patternsMax = 4

/** The rule of an object: its properties in the order of the schema, then additional ones. */
export function objectRule(
  compiler: Compiler,
  flat: SchemaObject,
  path: string,
  depth: number,
): string | undefined {
  const { rules } = compiler
  const { properties, isClosed } = propertiesOf(flat, path, compiler)
  const counts = countsOf(compiler, flat, path, { properties, isClosed })
  const isAny = properties.length === 0 && saysNothingOfKeys(flat) && counts === undefined
  if (isAny && !isClosed && additionalOf(flat) === true) return anyJson(rules).object
  const pairs: Pair[] = []
  for (const { key, schema, path: at, isRequired } of properties) {
    const rule = compiler.visit(schema, at, depth + 1)
    if (rule === undefined && isRequired) return undefined
    const name = rule === undefined ? undefined : rules.notation.key(key)
    if (name === undefined && rule !== undefined && isRequired) {
      compiler.cannot(at, 'a name that the model can write', key)
    }
    if (rule === undefined || name === undefined) continue
    const ws = whitespace(rules)
    pairs.push({ rule: `${literal(name)} ${ws} ":" ${ws} ${rule}`, isRequired })
  }
  const keys = properties.map(({ key }) => key)
  const more = isClosed ? undefined : otherPairs(compiler, flat, { keys, path, depth })
  if (counts === undefined) return inOrder(rules, pairs, more)
  const rule = counted(rules, pairs, more, counts)
  if (rule !== undefined || more === undefined || counts.min < 2) return rule
  const wanted = 'at most one more than are named: a grammar cannot compare other keys'
  compiler.cannot(`${path}.minProperties`, wanted, counts.min)
  return inOrder(rules, pairs, more)
}

interface Pair {
  /** A name and a value. */
  rule: string
  isRequired: boolean
}

function inOrder(rules: Rules, pairs: readonly Pair[], more: string | undefined): string {
  const ws = whitespace(rules)
  // What may follow once something was written, and before anything was.
  let begun = more === undefined ? '""' : rules.add(`("," ${ws} ${more})*`)
  let first = more === undefined ? '""' : rules.add(`(${more} ${begun})?`)
  for (const { rule, isRequired } of [...pairs].reverse()) {
    const start = rules.add(`${rule} ${begun}`)
    const next = rules.add(`"," ${ws} ${start}`)
    begun = isRequired ? next : rules.oneOf([next, begun])
    first = isRequired ? start : rules.oneOf([start, first])
  }
  return rules.add(`"{" ${ws} ${first} ${ws} "}"`)
}

interface Counts {
  readonly min: number
  readonly max: number
}

/** How many properties there must be, where that says more than `required`. */
function countsOf(
  compiler: Compiler,
  flat: SchemaObject,
  path: string,
  { properties, isClosed }: Properties,
): Counts | undefined {
  const least = properties.filter(({ isRequired }) => isRequired).length
  const min = countOf(flat, 'minProperties', 0, path)
  const max = countOf(flat, 'maxProperties', Number.POSITIVE_INFINITY, path)
  const isWide = max === Number.POSITIVE_INFINITY || (isClosed && max >= properties.length)
  if (min <= least && isWide) return undefined
  const last = Number.isFinite(max) ? max : min
  if ((last + 1) * (properties.length + 1) <= countedStatesMax) return { min, max }
  const keyword = Number.isFinite(max) ? 'maxProperties' : 'minProperties'
  compiler.cannot(`${path}.${keyword}`, 'fewer properties to count', last)
  return undefined
}

/** The same by how many were written. A key that the schema does not name may come twice. */
function counted(
  rules: Rules,
  pairs: readonly Pair[],
  more: string | undefined,
  { min, max }: Counts,
): string | undefined {
  const ws = whitespace(rules)
  const last = Number.isFinite(max) ? max : Math.max(min, 1)
  let after = Array.from({ length: last + 1 }, (_, count) => {
    if (more === undefined) return count >= min ? '""' : undefined
    // Any number of additional ones counts as one: they may all be the same.
    if (count < min - 1) return undefined
    const least = count < min ? 1 : 0
    if (max - count < least) return undefined
    const next = rules.add(`"," ${ws} ${more}`)
    if (count > 0) return rules.repeat(next, least, max - count)
    const all = max > 1 ? `${more} ${rules.repeat(next, 0, max - 1)}` : more
    return max === 0 ? '""' : rules.add(least === 1 ? all : `(${all})?`)
  })
  for (const { rule, isRequired } of [...pairs].reverse()) {
    after = after.map((skip, count) => {
      const rest =
        count === last && Number.isFinite(max) ? undefined : after[Math.min(count + 1, last)]
      const take = rest && `${count > 0 ? `"," ${ws} ` : ''}${rule} ${rest}`
      const choices = [take, isRequired ? undefined : skip].filter((one) => one !== undefined)
      return choices.length === 0 ? undefined : rules.oneOf(choices)
    })
  }
  return after[0] && rules.add(`"{" ${ws} ${after[0]} ${ws} "}"`)
}

function additionalOf(flat: SchemaObject): unknown {
  const { properties, patternProperties } = flat
  const given = [properties, patternProperties].flatMap((one) => (isObject(one) ? [one] : []))
  // Of properties that must not be there nothing follows for the others.
  const isSaid = given.some((one) => Object.values(one).some((schema) => schema !== false))
  return flat.additionalProperties ?? flat.unevaluatedProperties ?? !isSaid
}

function saysNothingOfKeys({ patternProperties, propertyNames }: SchemaObject): boolean {
  return patternProperties === undefined && propertyNames === undefined
}

/** Those that an object's schema names. With `isClosed` it has no others. */
interface Properties {
  readonly properties: readonly Property[]
  readonly isClosed: boolean
}

export function propertiesOf(flat: SchemaObject, path: string, compiler: Compiler): Properties {
  const additional = additionalOf(flat)
  const required = requiredOf(flat, path)
  const schemas = new Map<string, [schema: unknown, path: string]>()
  for (const [key, schema] of entriesOf(flat, 'properties', path)) {
    schemas.set(key, [schema, `${path}.properties.${key}`])
  }
  const names = namesOf(flat, path, compiler)
  // JSON Schema allows a key that only `required` names, and it has to be written.
  const wanted = flat.additionalProperties ?? flat.unevaluatedProperties ?? true
  const isRequired = new Set(required)
  for (const [keys, schema] of [
    [required, wanted],
    [names.listed ?? [], additional],
  ] as const) {
    for (const key of keys) {
      if (!schemas.has(key)) {
        const isMatched = patternsOf(flat).some(([source]) => compiler.matches(source, key, path))
        schemas.set(key, [isMatched || schema, `${path}.additionalProperties`])
      }
    }
  }
  const properties = [...schemas].flatMap(([key, [schema, at]]): Property[] => {
    if (!names.allows(key)) {
      return isRequired.has(key) ? [{ key, schema: false, path: at, isRequired: true }] : []
    }
    const matched = patternsOf(flat).filter(([source]) => compiler.matches(source, key, path))
    const all = [schema, ...matched.map(([, one]) => one)]
    const own = all.length === 1 ? schema : { allOf: all }
    return [{ key, schema: own, path: at, isRequired: isRequired.has(key) }]
  })
  const isClosed = names.listed !== undefined || (additional === false && !hasPatterns(flat))
  return { properties, isClosed }
}

function patternsOf({ patternProperties: given }: SchemaObject): [string, unknown][] {
  return isObject(given) ? Object.entries(given) : []
}

function hasPatterns(flat: SchemaObject): boolean {
  return patternsOf(flat).some(([, schema]) => schema !== false)
}

/** What propertyNames says: all names there may be, or which are allowed. */
interface Names {
  readonly listed: readonly string[] | undefined
  readonly limits: StringLimits | undefined
  allows(key: string): boolean
}

function namesOf(flat: SchemaObject, path: string, compiler: Compiler): Names {
  const free: Names = { listed: undefined, limits: undefined, allows: () => true }
  const { propertyNames: given } = flat
  if (given === undefined || given === true) return free
  const at = `${path}.propertyNames`
  const said = compiler.flat(given, at)
  const isString = said === undefined || said.type === undefined || isStringType(said.type)
  if (said === undefined || !isString) return { ...free, listed: [], allows: () => false }
  const values = valuesOf(said)
  if (said.choices !== undefined) {
    compiler.cannot(at, 'names by enum, pattern, format or lengths', given)
    return free
  }
  const limits = compiler.stringLimits(said, at)
  const allows = (key: string) => compiler.allowsText(said, at, key)
  if (values === undefined) return { listed: undefined, limits, allows }
  const listed = values.filter((value) => typeof value === 'string').filter(allows)
  return { listed, limits, allows: (key) => listed.includes(key) }
}

function isStringType(type: unknown): boolean {
  return [type].flat().includes('string')
}

/** A name that the schema does not name, with its value; undefined where there is none. */
function otherPairs(
  compiler: Compiler,
  flat: SchemaObject,
  { keys, path, depth }: { keys: readonly string[]; path: string; depth: number },
): string | undefined {
  const { rules } = compiler
  const ws = whitespace(rules)
  const pair = (key: string | undefined, schema: unknown, at: string): string[] => {
    const value = key === undefined ? undefined : compiler.visit(schema, at, depth + 1)
    return value === undefined ? [] : [rules.add(`${key} ${ws} ":" ${ws} ${value}`)]
  }
  const additional = additionalOf(flat)
  const at = `${path}.additionalProperties`
  if (saysNothingOfKeys(flat)) return pair(otherKey(rules, keys), additional, at)[0]
  const { limits } = namesOf(flat, path, compiler)
  const patterns = patternsOf(flat)
  if (patterns.length > patternsMax) {
    compiler.cannot(`${path}.patternProperties`, `at most ${patternsMax} patterns`, patterns.length)
    return pair(otherKey(rules, keys), true, at)[0]
  }
  const choices = Array.from({ length: 2 ** patterns.length }, (_, set) => {
    const matched = patterns.filter((_, i) => (set >> i) & 1)
    const others = patterns.filter((_, i) => !((set >> i) & 1))
    const schemas = matched.length === 0 ? [additional] : matched.map(([, schema]) => schema)
    if (schemas.includes(false)) return []
    const key = compiler.key(
      {
        min: limits?.min ?? 0,
        max: limits?.max ?? Number.POSITIVE_INFINITY,
        patterns: [...(limits?.patterns ?? []), ...matched.map(([source]) => source)],
        notPatterns: [...(limits?.notPatterns ?? []), ...others.map(([source]) => source)],
        formats: limits?.formats ?? [],
      },
      keys,
      matched.length === 0 ? `${path}.propertyNames` : `${path}.patternProperties`,
    )
    const [only] = matched
    const where = only === undefined ? at : `${path}.patternProperties.${only[0]}`
    return pair(key, schemas.length === 1 ? schemas[0] : { allOf: schemas }, where)
  }).flat()
  return choices.length === 0 ? undefined : rules.oneOf(choices)
}
