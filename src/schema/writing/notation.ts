import type { Range } from './ranges.js'

/** Where a notation puts rules of its own: see Rules. */
interface RuleBook {
  add(expression: string): string
  reserve(): string
  define(name: string, expression: string): void
}

/**
 * How values are written down. A schema says which values there are; models write them as JSON,
 * or, in calls of tools, in a form of their own chat template.
 */
export interface Notation {
  /** What stands around a string, as GBNF. */
  readonly quote: string
  /** One character of a string, which counts as one for its length, as GBNF. */
  readonly character: string
  /** Any string's content, as GBNF. */
  content(rules: RuleBook): string
  /** Between what stands in brackets, as GBNF. */
  readonly space: string
  /** Characters that stand for themselves in a string; the others are written by `escapes`. */
  readonly bare: readonly Range[]
  readonly escapes: readonly (readonly [codePoint: number, text: string])[]
  /** Any other control character may be written by its number. */
  readonly hasEscapes: boolean
  /** Characters of keys that a schema does not name, and whether such a key may have none. */
  readonly keyCharacters: readonly Range[]
  readonly hasEmptyKey: boolean
  /** A key or value as it is written, and undefined where it cannot be. */
  key(key: string): string | undefined
  value(value: unknown): string | undefined
}

const surrogates: Range = [0xd800, 0xdfff]
const quote = 0x22
const backslash = 0x5c
const lessThan = 0x3c

const jsonEscapes: Notation['escapes'] = [
  [quote, '\\"'],
  [backslash, '\\\\'],
  [0x0a, '\\n'],
  [0x09, '\\t'],
  [0x0d, '\\r'],
  [0x08, '\\b'],
  [0x0c, '\\f'],
]

/** Code points from 0x20 on but these, which are in order. */
function printable(...others: readonly number[]): Range[] {
  const ranges: Range[] = []
  let from = 0x20
  for (const [first, last] of [...others.map((one): Range => [one, one]), surrogates]) {
    if (first > from) ranges.push([from, first - 1])
    from = last + 1
  }
  return [...ranges, [from, 0x10ffff]]
}

/** JSON.parse makes of it what was meant: no escape names half of a surrogate pair. */
export const json: Notation = {
  quote: '"\\""',
  character:
    '[^"\\\\\\x00-\\x1f] | ' +
    '"\\\\" (["\\\\/bfnrt] | "u" ([0-9a-cA-CefEF] [0-9a-fA-F]{3} | [dD] [0-7] [0-9a-fA-F]{2}))',
  content: (rules) => `${rules.add(json.character)}*`,
  space: '(" " | "\\n" [ \\t]{0,20})?',
  bare: printable(quote, backslash),
  escapes: jsonEscapes,
  hasEscapes: true,
  keyCharacters: printable(quote, backslash),
  hasEmptyKey: true,
  key: (key) => JSON.stringify(key),
  value: (value) => JSON.stringify(value),
}

/** Tabs and line breaks stand for themselves, but no mark of a template's can begin. */
const text: Range[] = [[0x09, 0x0a], [0x0d, 0x0d], ...printable(lessThan)]
const textCharacter = '[^<\\x00-\\x08\\x0b\\x0c\\x0e-\\x1f]'

/**
 * A string as it stands between a template's marks, all of which have a "<" with one of these
 * behind it: "</parameter>", "</｜DSML｜parameter>", "]<]minimax[>[</city>", "<|"|>".
 */
const mayBeMark = /<[/|]/

/** A string and nothing else, without quotes: what stands between the tags of an argument. */
export const bareText: Notation = {
  ...json,
  quote: '""',
  character: textCharacter,
  content: (rules) => `${rules.add(textCharacter)}*`,
  bare: text,
  escapes: [],
  hasEscapes: false,
  value: (value) => (typeof value !== 'string' || mayBeMark.test(value) ? undefined : value),
}

const gemmaKey = /^[^\s:{}[\],<|][^:{}[\],<|]*$/

/** Gemma 4's, for example `{city:<|"|>Paris<|"|>,days:[1,2]}`. */
export const gemma: Notation = {
  quote: '"<|\\"|>"',
  character: textCharacter,
  content: (rules) => gemmaContent(rules),
  space: '""',
  bare: text,
  escapes: [],
  hasEscapes: false,
  keyCharacters: [
    [0x2d, 0x2e],
    [0x30, 0x39],
    [0x41, 0x5a],
    [0x5f, 0x5f],
    [0x61, 0x7a],
  ],
  hasEmptyKey: false,
  key: (key) => (gemmaKey.test(key) ? key : undefined),
  value: gemmaValue,
}

function gemmaValue(value: unknown): string | undefined {
  if (typeof value === 'string') {
    return mayBeMark.test(value) ? undefined : `<|"|>${value}<|"|>`
  }
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  const parts = Array.isArray(value)
    ? value.map(gemmaValue)
    : Object.entries(value).map(([key, one]) => {
        const [name, said] = [gemma.key(key), gemmaValue(one)]
        return name === undefined || said === undefined ? undefined : `${name}:${said}`
      })
  if (parts.includes(undefined)) return undefined
  return Array.isArray(value) ? `[${parts.join(',')}]` : `{${parts.join(',')}}`
}

/** Text without the mark, character by character: what of the mark stands before each of them. */
function gemmaContent(rules: RuleBook): string {
  const mark = '<|"|>'
  const known = gemmaContents.get(rules)
  if (known !== undefined) return known
  const names = Array.from(mark, () => rules.reserve())
  const [first = ''] = names
  names.forEach((name, i) => {
    const next = mark[i] ?? ''
    const goesOn =
      names[i + 1] === undefined ? [] : [`"${next === '"' ? '\\"' : next}" ${names[i + 1]}`]
    const again = i === 0 ? [] : [`"<" ${names[1]}`]
    const others = `[^<${next === '<' ? '' : next}] ${first}`
    rules.define(name, ['""', ...goesOn, ...again, others].join(' | '))
  })
  gemmaContents.set(rules, first)
  return first
}

const gemmaContents = new WeakMap<RuleBook, string>()
