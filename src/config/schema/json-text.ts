import { characterClass, literal, type Range, type Rules } from './rules.js'

/**
 * Rules for JSON's own text. What they write is JSON, and is what JavaScript's JSON.parse makes of
 * it: no number becomes Infinity, and no escape names half of a surrogate pair.
 */

export const whitespace = (rules: Rules) => rules.add('(" " | "\\n" [ \\t]{0,20})?')

const escaped =
  '"\\\\" (["\\\\/bfnrt] | "u" ([0-9a-cA-CefEF] [0-9a-fA-F]{3} | [dD] [0-7] [0-9a-fA-F]{2}))'

/** One character of a string, which counts as one for its length. */
export const stringCharacter = (rules: Rules) => rules.add(`[^"\\\\\\x00-\\x1f] | ${escaped}`)

export const anyString = (rules: Rules) => quoted(rules, `${stringCharacter(rules)}*`)

export function quoted(rules: Rules, content: string): string {
  return rules.add(`"\\"" ${content} "\\""`)
}

export const anyInteger = (rules: Rules) => rules.add('"-"? ("0" | [1-9] [0-9]{0,15})')

export const anyNumber = (rules: Rules) =>
  rules.add(`${anyInteger(rules)} ("." [0-9]{1,16})? ([eE] [-+]? [0-9]{1,2})?`)

/** Any JSON value, any object and any array: they refer to each other. */
export function anyJson(rules: Rules): { value: string; object: string; array: string } {
  const known = anyJsonOf.get(rules)
  if (known !== undefined) return known
  const any = { value: rules.reserve(), object: rules.reserve(), array: rules.reserve() }
  anyJsonOf.set(rules, any)
  const ws = whitespace(rules)
  const pair = rules.add(`${anyString(rules)} ${ws} ":" ${ws} ${any.value}`)
  const scalars = `${anyString(rules)} | ${anyNumber(rules)} | "true" | "false" | "null"`
  rules.define(any.value, `${any.object} | ${any.array} | ${scalars}`)
  rules.define(any.object, `"{" ${ws} (${pair} ("," ${ws} ${pair})* ${ws})? "}"`)
  rules.define(any.array, `"[" ${ws} (${any.value} ("," ${ws} ${any.value})* ${ws})? "]"`)
  return any
}

const anyJsonOf = new WeakMap<Rules, { value: string; object: string; array: string }>()

const control: Range = [0, 0x1f]
const quote = 0x22
const backslash = 0x5c
const shortEscapes: readonly (readonly [codePoint: number, text: string])[] = [
  [quote, '\\"'],
  [backslash, '\\\\'],
  [0x0a, '\\n'],
  [0x09, '\\t'],
  [0x0d, '\\r'],
  [0x08, '\\b'],
  [0x0c, '\\f'],
]

/** A character of a string's value, out of a set, as JSON writes it. Empty for an empty set. */
export function characterOf(rules: Rules, set: readonly Range[]): string {
  const plain = without(set, [control, [quote, quote], [backslash, backslash], [0xd800, 0xdfff]])
  const has = (codePoint: number) =>
    set.some(([first, last]) => first <= codePoint && codePoint <= last)
  const escapes = shortEscapes.filter(([codePoint]) => has(codePoint)).map(([, text]) => text)
  const choices = escapes.map(literal)
  if (plain.length > 0) choices.unshift(characterClass(plain))
  // Other control characters are written only where nothing else would be.
  if (choices.length === 0) choices.push(...controlEscapes.filter((_, i) => has(i)).map(literal))
  return choices.length === 0 ? '' : rules.oneOf(choices)
}

const controlEscapes = Array.from({ length: 0x20 }, (_, i) => {
  return `\\u${i.toString(16).padStart(4, '0')}`
})

/** What is in `ranges` and in none of `taken`. */
export function without(ranges: readonly Range[], taken: readonly Range[]): Range[] {
  const gone = joined(taken)
  return ranges.flatMap(([from, to]) => {
    const left: Range[] = []
    let next = from
    for (let i = firstReaching(gone, from); i < gone.length; i++) {
      const [first, last] = gone[i] as Range
      if (first > to) break
      if (first > next) left.push([next, first - 1])
      next = last + 1
    }
    if (next <= to) left.push([next, to])
    return left
  })
}

/** The same characters in order, with a gap between each two ranges. */
export function joined(ranges: readonly Range[]): Range[] {
  const merged: [first: number, last: number][] = []
  for (const [first, last] of [...ranges].sort(([a], [b]) => a - b)) {
    const before = merged.at(-1)
    if (before !== undefined && first <= before[1] + 1) before[1] = Math.max(before[1], last)
    else merged.push([first, last])
  }
  return merged
}

/** The index of the first of joined ranges that ends at a code point or beyond. */
function firstReaching(ranges: readonly Range[], codePoint: number): number {
  let [low, high] = [0, ranges.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if ((ranges[middle] as Range)[1] < codePoint) low = middle + 1
    else high = middle
  }
  return low
}
