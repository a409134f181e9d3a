import { InvalidSchemaError } from '../../../../src/api/errors.js'
import { schemaGrammar } from '../../../../src/schema/schema-grammar.js'
import { generatorSchemas } from '../../schemas/generator-schemas.js'
import { GrammarSampler } from '../../schemas/grammar-sampler.js'
import { pydanticSchemas } from '../../schemas/pydantic-schemas.js'
import { handWrittenSchemas, randomSchema, type Schema } from '../../schemas/schemas.js'
import { validates } from '../../schemas/validates.js'
import type { Dice } from '../dice.js'

/** Schemas that nobody wrote: others with a part, a keyword or a number changed. */

const written: readonly Schema[] = [
  ...handWrittenSchemas,
  ...generatorSchemas,
  ...Object.values(pydanticSchemas),
]
const parts = written.flatMap(partsOf)
const keywords = parts.flatMap((part) => Object.entries(part))

/** A schema's own objects, itself among them. */
function partsOf(value: unknown): Schema[] {
  if (Array.isArray(value)) return value.flatMap(partsOf)
  if (typeof value !== 'object' || value === null) return []
  return [value as Schema, ...Object.values(value).flatMap(partsOf)]
}

export function drawSchema(dice: Dice): Schema {
  const from = dice.chance(0.3) ? randomSchema(dice.int(0, 1e9)) : dice.pick(written)
  const schema = structuredClone(from)
  for (let changes = dice.int(1, 3); changes > 0; changes--) {
    change(dice.pick(partsOf(schema)), dice)
  }
  return schema
}

function change(part: Schema, dice: Dice): void {
  const keys = Object.keys(part)
  const key = keys.length > 0 ? dice.pick(keys) : 'type'
  const kind = dice.int(0, 9)
  if (kind < 4) {
    const [name, value] = dice.pick(keywords)
    part[name] = structuredClone(value)
  } else if (kind < 6) {
    part[key] = changed(part[key], dice)
  } else if (kind < 7) {
    delete part[key]
  } else if (kind < 8) {
    const name = dice.pick(['items', 'additionalProperties', 'not', 'if', 'then', 'contains'])
    part[name] = structuredClone(dice.pick(parts))
  } else {
    const name = dice.pick(['allOf', 'anyOf', 'oneOf', 'prefixItems'])
    const count = dice.int(1, 3)
    part[name] = Array.from({ length: count }, () => structuredClone(dice.pick(parts)))
  }
}

function changed(value: unknown, dice: Dice): unknown {
  if (typeof value === 'number') {
    return dice.pick([value + 1, value - 1, -value, value / 3, value * 1000, 0, 1e16])
  }
  if (typeof value === 'boolean') return !value
  if (typeof value === 'string' && value.length > 0) {
    const at = dice.int(0, value.length - 1)
    const middle = dice.pick(['', 'a', '\\', '^', '(', '|', '{2}', '?', '\u00e9', '"'])
    return value.slice(0, at) + middle + value.slice(at + dice.int(0, 1))
  }
  if (Array.isArray(value)) return value.length > 1 ? value.slice(1) : [...value, ...value]
  return dice.pick([structuredClone(dice.pick(parts)), true, false, null])
}

/** It is refused, or each text of its grammar validates. */
export function judgeSchema(schema: Schema): string {
  let grammar: string
  try {
    grammar = schemaGrammar(schema)
  } catch (error) {
    if (error instanceof InvalidSchemaError) return 'refused'
    throw error
  }
  const sampler = new GrammarSampler(grammar, grammar.length)
  // A schema that requires itself: Grammar::compile refuses it (native/test/grammar).
  if (!sampler.canEnd) return 'without an end'
  for (const about of [0, 12, 60]) {
    const text = sampler.sample(about)
    JSON.parse(text)
    const isValid = isValidFor(schema, text)
    if (isValid === undefined) return 'not judged'
    if (!isValid) throw new Error(`its grammar writes ${text}`)
  }
  return 'validates'
}

/** Undefined where ajv does not take the schema, or not as it is meant. */
function isValidFor(schema: Schema, text: string): boolean | undefined {
  if (partsOf(schema).some(({ pattern }) => isOfTwoKinds(pattern, text))) return undefined
  // Words of an old draft beside those of a new one: ajv reads one of them at a time.
  const all = JSON.stringify(schema)
  const isMixed = /"(prefixItems|unevaluated\w+|dependent\w+|\$dynamicRef)":/.test(all)
  if (all.includes('"nullable"')) return undefined // validates() takes it out of values too
  if (isMixed && /"items":\[|"additionalItems"|"dependencies"/.test(all)) return undefined
  try {
    return validates(schema, text)
  } catch {
    return undefined // ajv's own opinion of the schema, in many kinds of error
  }
}

/**
 * No pattern with the `u` flag, as which ajv then reads it without: there `\p{L}` is a letter and
 * braces, and a character beyond the first 65,536 is two. For us it is a class, and one.
 */
function isOfTwoKinds(pattern: unknown, text: string): boolean {
  const twoKinds = /\\p\{|\\u\{|[\u{10000}-\u{10ffff}]/iu
  if (typeof pattern !== 'string' || !twoKinds.test(pattern + text)) return false
  try {
    new RegExp(pattern, 'u')
    return false
  } catch {
    return true
  }
}
