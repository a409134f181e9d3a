import { anyJson, anyKey, quoted, whitespace, without } from './json-text.js'
import { entriesOf, isObject, refuse, requiredOf, type SchemaObject } from './keywords.js'
import { valuesOf } from './merge.js'
import { characterClass, literal, type Rules } from './rules.js'
import type { SchemaCompiler } from './schema-grammar.js'

export interface Property {
  key: string
  schema: unknown
  path: string
  isRequired: boolean
}

/** The rule of an object: its properties in the order of the schema, then additional ones. */
export function objectRule(
  compiler: SchemaCompiler,
  flat: SchemaObject,
  path: string,
  depth: number,
): string | undefined {
  const { rules } = compiler
  const additional = additionalOf(flat)
  const { properties, isClosed } = propertiesOf(flat, path)
  if (properties.length === 0 && additional === true && !isClosed) return anyJson(rules).object
  const ws = whitespace(rules)
  const value = isClosed
    ? undefined
    : compiler.visit(additional, `${path}.additionalProperties`, depth + 1)
  const keys = properties.map(({ key }) => key)
  const more = value && rules.add(`${otherKey(rules, keys)} ${ws} ":" ${ws} ${value}`)
  // What may follow once something was written, and before anything was.
  let begun = more === undefined ? '""' : rules.add(`("," ${ws} ${more})*`)
  let first = more === undefined ? '""' : rules.add(`(${more} ${begun})?`)
  for (const { key, schema, path: at, isRequired } of properties.reverse()) {
    const rule = compiler.visit(schema, at, depth + 1)
    const name = rules.notation.key(key)
    if (rule === undefined && isRequired) return undefined
    if (name === undefined && isRequired) refuse(at, 'a name that the model can write', key)
    if (rule === undefined || name === undefined) continue
    const pair = `${literal(name)} ${ws} ":" ${ws} ${rule}`
    const start = rules.add(`${pair} ${begun}`)
    const next = rules.add(`"," ${ws} ${start}`)
    begun = isRequired ? next : rules.oneOf([next, begun])
    first = isRequired ? start : rules.oneOf([start, first])
  }
  return rules.add(`"{" ${ws} ${first} ${ws} "}"`)
}

function additionalOf(flat: SchemaObject): unknown {
  const isSaid = flat.properties !== undefined || flat.unevaluatedProperties === false
  return flat.additionalProperties ?? !isSaid
}

/** Those that an object's schema names. With `isClosed` it has no others. */
export function propertiesOf(
  flat: SchemaObject,
  path: string,
): { properties: Property[]; isClosed: boolean } {
  const additional = additionalOf(flat)
  const required = requiredOf(flat, path)
  const schemas = new Map<string, [schema: unknown, path: string]>()
  for (const [key, schema] of entriesOf(flat, 'properties', path)) {
    schemas.set(key, [schema, `${path}.properties.${key}`])
  }
  const names = namesOf(flat, path)
  const isRequired = new Set(required)
  // JSON Schema allows a key that only `required` names, and it has to be written.
  const wanted = flat.additionalProperties ?? flat.unevaluatedProperties !== false
  for (const key of required) {
    if (!schemas.has(key)) schemas.set(key, [wanted, `${path}.additionalProperties`])
  }
  for (const key of names ?? []) {
    if (!schemas.has(key)) schemas.set(key, [additional, `${path}.additionalProperties`])
  }
  const properties = [...schemas].map(([key, [schema, at]]) => {
    return { key, schema, path: at, isRequired: isRequired.has(key) }
  })
  if (names === undefined) return { properties, isClosed: additional === false }
  const outside = properties.find(({ key, isRequired }) => isRequired && !names.has(key))
  if (outside !== undefined) refuse(`${path}.required`, 'keys of propertyNames', outside.key)
  return { properties: properties.filter(({ key }) => names.has(key)), isClosed: true }
}

/** The keys that propertyNames names; undefined where any string will do. */
function namesOf({ propertyNames: given }: SchemaObject, path: string): Set<string> | undefined {
  if (given === undefined || given === true) return undefined
  const { type, enum: _, const: __, ...others } = isObject(given) ? given : { other: given }
  const values = isObject(given) ? valuesOf(given) : undefined
  const isPlain = (type === undefined || type === 'string') && Object.keys(others).length === 0
  if (isPlain && values === undefined) return undefined
  if (isPlain) return new Set(values?.filter((value) => typeof value === 'string'))
  refuse(`${path}.propertyNames`, 'no more than {"type": "string"}, or an enum', given)
}

/** A key that is none of these: without escapes, so that no other spelling of one slips in. */
function otherKey(rules: Rules, keys: readonly string[]): string {
  if (keys.length === 0) return anyKey(rules)
  const { keyCharacters, hasEmptyKey } = rules.notation
  const taken = [...keys, ...(hasEmptyKey ? [] : [''])].map((key) => Array.from(key))
  const anything = rules.add(`${characterClass(keyCharacters)}*`)
  const key = otherThan(rules, taken, 0, anything)
  return hasEmptyKey ? quoted(rules, key) : key
}

function otherThan(
  rules: Rules,
  taken: readonly (readonly string[])[],
  from: number,
  anything: string,
): string {
  const plain = rules.notation.keyCharacters
  const branches = new Map<string, (readonly string[])[]>()
  for (const key of taken) {
    const character = key[from]
    if (character === undefined) continue
    const branch = branches.get(character)
    if (branch === undefined) branches.set(character, [key])
    else branch.push(key)
  }
  if (branches.size === 0) return `${rules.add(characterClass(plain))} ${anything}`
  const codePoints = [...branches.keys()].map((one) => one.codePointAt(0) ?? 0)
  const free = without(
    plain,
    codePoints.map((codePoint) => [codePoint, codePoint] as const),
  )
  const choices = free.length === 0 ? [] : [`${rules.add(characterClass(free))} ${anything}`]
  if (!taken.some((key) => key.length === from)) choices.push('""')
  for (const [character, keys] of branches) {
    const isPlain = plain.some(([first, last]) => {
      const codePoint = character.codePointAt(0) ?? 0
      return first <= codePoint && codePoint <= last
    })
    if (isPlain) choices.push(`${literal(character)} ${otherThan(rules, keys, from + 1, anything)}`)
  }
  return rules.oneOf(choices)
}
