import type { TypeName } from '../reading/keywords.js'
import { common, contains, type Range } from './ranges.js'
import { characterClass, literal, type Rules } from './rules.js'

/**
 * Rules for texts in the notation of a grammar. JSON's are what JavaScript's JSON.parse makes of
 * them: no number becomes Infinity, and no escape names half of a surrogate pair.
 */

export const whitespace = (rules: Rules) => rules.add(rules.notation.space)

/** One character of a string, which counts as one for its length. */
export const stringCharacter = (rules: Rules) => rules.add(rules.notation.character)

export const anyString = (rules: Rules) => quoted(rules, rules.notation.content(rules))

export function quoted(rules: Rules, content: string): string {
  const { quote } = rules.notation
  return rules.add(`${quote} ${content} ${quote}`)
}

export const anyInteger = (rules: Rules) => rules.add('"-"? ("0" | [1-9] [0-9]{0,15})')

export const anyNumber = (rules: Rules) =>
  rules.add(`${anyInteger(rules)} ("." [0-9]{1,16})? ([eE] [-+]? [0-9]{1,2})?`)

export const anyBoolean = (rules: Rules) => rules.add('"true" | "false"')

/** Of an object of which nothing is known. */
export function anyKey(rules: Rules): string {
  const { keyCharacters, hasEmptyKey } = rules.notation
  return hasEmptyKey ? anyString(rules) : rules.add(`${characterClass(keyCharacters)}+`)
}

/** Any JSON value, any object and any array: they refer to each other. */
export function anyJson(rules: Rules): { value: string; object: string; array: string } {
  const known = anyJsonOf.get(rules)
  if (known !== undefined) return known
  const any = { value: rules.reserve(), object: rules.reserve(), array: rules.reserve() }
  anyJsonOf.set(rules, any)
  const ws = whitespace(rules)
  const pair = rules.add(`${anyKey(rules)} ${ws} ":" ${ws} ${any.value}`)
  const scalars = `${anyString(rules)} | ${anyNumber(rules)} | "true" | "false" | "null"`
  rules.define(any.value, `${any.object} | ${any.array} | ${scalars}`)
  rules.define(any.object, `"{" ${ws} (${pair} ("," ${ws} ${pair})* ${ws})? "}"`)
  rules.define(any.array, `"[" ${ws} (${any.value} ("," ${ws} ${any.value})* ${ws})? "]"`)
  return any
}

/** Any value of a type. */
export function anyOfType(rules: Rules, type: TypeName): string {
  switch (type) {
    case 'null':
      return '"null"'
    case 'boolean':
      return anyBoolean(rules)
    case 'integer':
      return anyInteger(rules)
    case 'number':
      return anyNumber(rules)
    case 'string':
      return anyString(rules)
    case 'array':
    case 'object':
      return anyJson(rules)[type]
  }
}

const anyJsonOf = new WeakMap<Rules, { value: string; object: string; array: string }>()

/** Whether characterOf has something to write. */
export function canWrite({ notation }: Rules, set: readonly Range[]): boolean {
  const { bare, escapes, hasEscapes } = notation
  if (common(set, bare).length > 0) return true
  if (escapes.some(([codePoint]) => contains(set, codePoint))) return true
  return hasEscapes && set.some(([first]) => first < 0x20)
}

/** A character of a string's value, out of a set, as it is written. Empty for an empty set. */
export function characterOf(rules: Rules, set: readonly Range[]): string {
  const { bare, escapes, hasEscapes } = rules.notation
  const plain = common(set, bare)
  const short = escapes.filter(([codePoint]) => contains(set, codePoint)).map(([, text]) => text)
  const choices = short.map(literal)
  if (plain.length > 0) choices.unshift(characterClass(plain))
  // Other control characters are written only where nothing else would be.
  if (choices.length === 0 && hasEscapes) {
    choices.push(...controlEscapes.filter((_, i) => contains(set, i)).map(literal))
  }
  return choices.length === 0 ? '' : rules.oneOf(choices)
}

const controlEscapes = Array.from({ length: 0x20 }, (_, i) => {
  return `\\u${i.toString(16).padStart(4, '0')}`
})
