import { characterOf, joined, stringCharacter, without } from './json-text.js'
import type { Range, Rules } from './rules.js'

/** A regular expression, as far as a grammar can say it. */
export type Pattern =
  | { kind: 'set'; ranges: readonly Range[] }
  | { kind: 'sequence'; items: readonly Pattern[] }
  | { kind: 'choice'; options: readonly Pattern[] }
  | { kind: 'repeat'; item: Pattern; min: number; max: number }
  /** Any text: what stands around an expression without anchors. */
  | { kind: 'any' }

const depthMax = 32
const repetitionsMax = 65_535
const all: readonly Range[] = [[0, 0x10ffff]]
const digits: readonly Range[] = [[0x30, 0x39]]
const wordCharacters: readonly Range[] = [
  [0x30, 0x39],
  [0x41, 0x5a],
  [0x5f, 0x5f],
  [0x61, 0x7a],
]
const spaces: readonly Range[] = [
  [0x09, 0x0d],
  [0x20, 0x20],
  [0xa0, 0xa0],
  [0x1680, 0x1680],
  [0x2000, 0x200a],
  [0x2028, 0x2029],
  [0x202f, 0x202f],
  [0x205f, 0x205f],
  [0x3000, 0x3000],
  [0xfeff, 0xfeff],
]
const lineEnds: readonly Range[] = [
  [0x0a, 0x0a],
  [0x0d, 0x0d],
  [0x2028, 0x2029],
]
const otherThanLineEnds = without(all, lineEnds)
const classEscapes: Readonly<Record<string, readonly Range[]>> = {
  d: digits,
  D: without(all, digits),
  w: wordCharacters,
  W: without(all, wordCharacters),
  s: spaces,
  S: without(all, spaces),
}
const controlEscapes: Readonly<Record<string, number>> = {
  t: 0x09,
  n: 0x0a,
  v: 0x0b,
  f: 0x0c,
  r: 0x0d,
  0: 0x00,
}

/** Why a pattern cannot be used; the words follow "expected". */
export class PatternError extends Error {}

/**
 * Reads a pattern as JavaScript does with the `u` flag. It is never given to RegExp: a stranger's
 * may take for ever.
 * @throws PatternError
 */
export function parsePattern(source: string): Pattern {
  return new PatternParser(source).parse()
}

class PatternParser {
  readonly #characters: readonly string[]
  #at = 0
  #depth = 0

  constructor(source: string) {
    this.#characters = Array.from(source)
  }

  parse(): Pattern {
    const options: Pattern[] = []
    do {
      const isAnchored = this.#take('^')
      const items = this.#sequence(true)
      const isClosed = this.#take('$')
      if (!isAnchored) items.unshift({ kind: 'any' })
      if (!isClosed) items.push({ kind: 'any' })
      options.push({ kind: 'sequence', items })
    } while (this.#take('|'))
    if (this.#peek() !== undefined) throw new PatternError(`no '${this.#peek()}' there`)
    return { kind: 'choice', options }
  }

  #sequence(isOutermost: boolean): Pattern[] {
    const items: Pattern[] = []
    for (;;) {
      const next = this.#peek()
      if (next === undefined || next === '|' || next === ')') return items
      if (next === '$' && isOutermost && this.#endsOption()) return items
      if (next === '^' || next === '$') {
        throw new PatternError('^ only at the beginning and $ only at the end')
      }
      items.push(this.#quantified(this.#atom(this.#next())))
    }
  }

  #endsOption(): boolean {
    const after = this.#characters[this.#at + 1]
    return after === undefined || after === '|'
  }

  #atom(character: string): Pattern {
    if (character === '.') return { kind: 'set', ranges: otherThanLineEnds }
    if (character === '(') return this.#group()
    if (character === '[') return { kind: 'set', ranges: this.#class() }
    if (character === '\\') return { kind: 'set', ranges: this.#escape() }
    if ('*+?{}]'.includes(character)) throw new PatternError(`something before '${character}'`)
    return { kind: 'set', ranges: [single(character)] }
  }

  #group(): Pattern {
    if (++this.#depth > depthMax) throw new PatternError(`groups at most ${depthMax} deep`)
    if (this.#take('?')) {
      if (this.#take('<') && this.#peek() !== '=' && this.#peek() !== '!') {
        while (this.#next() !== '>');
      } else if (!this.#take(':')) {
        throw new PatternError('no lookahead or lookbehind')
      }
    }
    const options: Pattern[] = []
    do options.push({ kind: 'sequence', items: this.#sequence(false) })
    while (this.#take('|'))
    if (!this.#take(')')) throw new PatternError("')'")
    this.#depth--
    return { kind: 'choice', options }
  }

  #class(): readonly Range[] {
    const isInverse = this.#take('^')
    const ranges: Range[] = []
    const sets = new Set<readonly Range[]>()
    while (!this.#take(']')) {
      const first = this.#classItem()
      const from = first.length === 1 ? first[0] : undefined
      if (this.#peek() !== '-' || this.#characters[this.#at + 1] === ']' || !isOne(from)) {
        sets.add(first) // an escape's is the same one each time
        continue
      }
      this.#at++
      const [to] = this.#classItem()
      if (!isOne(to) || to[1] < from[0]) throw new PatternError('a range of characters in order')
      ranges.push([from[0], to[1]])
    }
    ranges.push(...[...sets].flat())
    return isInverse ? without(all, ranges) : joined(ranges)
  }

  #classItem(): readonly Range[] {
    const character = this.#next()
    return character === '\\' ? this.#escape() : [single(character)]
  }

  #escape(): readonly Range[] {
    const character = this.#next()
    const set = classEscapes[character]
    if (set !== undefined) return set
    const control = controlEscapes[character]
    if (control !== undefined) return [[control, control]]
    if (character === 'x') return [this.#hex(2)]
    if (character === 'u') return [this.#unicode()]
    if (/[a-zA-Z1-9]/.test(character)) {
      throw new PatternError(`no '\\${character}', which a grammar cannot say`)
    }
    return [single(character)]
  }

  #unicode(): Range {
    if (!this.#take('{')) {
      const [high] = this.#hex(4)
      if (high < 0xd800 || high > 0xdbff) return [high, high]
      if (!this.#take('\\') || !this.#take('u')) throw new PatternError('the pair of a surrogate')
      const [low] = this.#hex(4)
      const both = (high - 0xd800) * 0x400 + (low - 0xdc00) + 0x10000
      return [both, both]
    }
    let text = ''
    while (!this.#take('}')) text += this.#next()
    return codePointOf(text)
  }

  #hex(length: number): Range {
    let text = ''
    while (text.length < length) text += this.#next()
    return codePointOf(text)
  }

  #quantified(item: Pattern): Pattern {
    let [min, max] = [1, 1]
    if (this.#take('*')) [min, max] = [0, Number.POSITIVE_INFINITY]
    else if (this.#take('+')) [min, max] = [1, Number.POSITIVE_INFINITY]
    else if (this.#take('?')) [min, max] = [0, 1]
    else if (this.#take('{')) [min, max] = this.#bounds()
    else return item
    this.#take('?') // taking as few as possible, or as many, is the same text
    return { kind: 'repeat', item, min, max }
  }

  #bounds(): [number, number] {
    let text = ''
    while (!this.#take('}')) text += this.#next()
    const [, first, comma, last] = /^(\d{1,5})(,?)(\d{0,5})$/.exec(text) ?? []
    const min = Number(first ?? Number.NaN)
    const open = comma === ',' ? Number.POSITIVE_INFINITY : min
    const max = last === '' || last === undefined ? open : Number(last)
    const isFair = min <= repetitionsMax && min <= max
    if (!isFair || (max > repetitionsMax && max !== Number.POSITIVE_INFINITY)) {
      throw new PatternError(`repetitions such as {2,5}, of at most ${repetitionsMax}`)
    }
    return [min, max]
  }

  #peek(): string | undefined {
    return this.#characters[this.#at]
  }

  #next(): string {
    const character = this.#characters[this.#at++]
    if (character === undefined) throw new PatternError('more after its end')
    return character
  }

  #take(character: string): boolean {
    if (this.#peek() !== character) return false
    this.#at++
    return true
  }
}

function isOne(range: Range | undefined): range is Range {
  return range !== undefined && range[0] === range[1]
}

function single(character: string): Range {
  const codePoint = character.codePointAt(0) ?? 0
  return [codePoint, codePoint]
}

function codePointOf(hex: string): Range {
  const value = /^[0-9a-fA-F]{1,6}$/.test(hex) ? Number.parseInt(hex, 16) : Number.NaN
  if (!(value <= 0x10ffff)) throw new PatternError('a code point in hexadecimal digits')
  return [value, value]
}

/** How many characters a text may have that the pattern matches. */
export function lengthsOf(pattern: Pattern): [min: number, max: number] {
  switch (pattern.kind) {
    case 'set':
      return [1, 1]
    case 'any':
      return [0, Number.POSITIVE_INFINITY]
    case 'sequence': {
      const lengths = pattern.items.map(lengthsOf)
      return [sum(lengths.map(([min]) => min)), sum(lengths.map(([, max]) => max))]
    }
    case 'choice': {
      const lengths = pattern.options.map(lengthsOf)
      return [Math.min(...lengths.map(([min]) => min)), Math.max(...lengths.map(([, max]) => max))]
    }
    case 'repeat': {
      const [min, max] = lengthsOf(pattern.item)
      return [min * pattern.min, max === 0 || pattern.max === 0 ? 0 : max * pattern.max]
    }
  }
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((a, b) => a + b, 0)
}

/** Writes patterns as the content of JSON strings. */
export class PatternRules {
  readonly #rules: Rules
  readonly #ofSets = new Map<readonly Range[], string>()

  constructor(rules: Rules) {
    this.#rules = rules
  }

  /**
   * The rule of what the pattern matches.
   * @throws PatternError where no text matches
   */
  rule(pattern: Pattern): string {
    switch (pattern.kind) {
      case 'set':
        return this.#set(pattern.ranges)
      case 'any':
        return this.#rules.add(`${stringCharacter(this.#rules)}*`)
      case 'sequence':
        return this.#sequence(pattern.items)
      case 'choice':
        return this.#rules.oneOf(pattern.options.map((option) => this.rule(option)))
      case 'repeat':
        return this.#rules.repeat(this.rule(pattern.item), pattern.min, pattern.max)
    }
  }

  #set(ranges: readonly Range[]): string {
    const known = this.#ofSets.get(ranges)
    if (known !== undefined) return known
    const rule = characterOf(this.#rules, ranges)
    if (rule === '') throw new PatternError('a character wherever one must stand')
    this.#ofSets.set(ranges, rule)
    return rule
  }

  #sequence([only, ...others]: readonly Pattern[]): string {
    if (only === undefined) return '""'
    if (others.length === 0) return this.rule(only)
    return this.#rules.add([only, ...others].map((item) => this.rule(item)).join(' '))
  }
}
