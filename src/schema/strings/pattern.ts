import { everyCharacter, joined, type Range, without } from '../writing/ranges.js'
import { charactersOf, isKnownProperty } from './unicode-sets.js'

/** A regular expression. */
export type Pattern =
  | { kind: 'set'; ranges: readonly Range[] }
  | { kind: 'sequence'; items: readonly Pattern[] }
  | { kind: 'choice'; options: readonly Pattern[] }
  | { kind: 'repeat'; item: Pattern; min: number; max: number }
  /** Any text: what stands around an expression without anchors. */
  | { kind: 'any' }
  /** The beginning and the end of the text. */
  | { kind: 'start' }
  | { kind: 'end' }
  /** What must, or must not, follow or go before. */
  | { kind: 'look'; isAhead: boolean; isNegative: boolean; item: Pattern }

const depthMax = 32
const repetitionsMax = 65_535
/** Of a property of Unicode's that is met for the first time. */
const propertyWork = 30_000
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
const otherThanLineEnds = without(everyCharacter, lineEnds)
const classEscapes: Readonly<Record<string, readonly Range[]>> = {
  d: digits,
  D: without(everyCharacter, digits),
  w: wordCharacters,
  W: without(everyCharacter, wordCharacters),
  s: spaces,
  S: without(everyCharacter, spaces),
}
const controlEscapes: Readonly<Record<string, number>> = {
  t: 0x09,
  n: 0x0a,
  v: 0x0b,
  f: 0x0c,
  r: 0x0d,
  0: 0x00,
}

const nothing: Pattern = { kind: 'sequence', items: [] }
const word: Pattern = { kind: 'set', ranges: wordCharacters }

/** Where a word begins or ends; inverse, where none does. */
function wordBoundary(isInverse: boolean): Pattern {
  const look = (isAhead: boolean, isNegative: boolean): Pattern => {
    return { kind: 'look', isAhead, isNegative, item: word }
  }
  const sides = (isBefore: boolean, isBehind: boolean): Pattern => {
    return { kind: 'sequence', items: [look(false, !isBefore), look(true, !isBehind)] }
  }
  const options = [sides(true, isInverse), sides(false, !isInverse)]
  return { kind: 'choice', options }
}

/** Why a pattern cannot be used; the words follow "expected". */
export class PatternError extends Error {}

/**
 * Reads a pattern as JavaScript does with the `u` flag. It is never given to RegExp: a
 * client's may take for ever.
 * @param count is told of work beyond that of reading
 * @throws PatternError
 */
export function parsePattern(source: string, count: (work: number) => void = () => undefined) {
  return new PatternParser(source, count).parse()
}

class PatternParser {
  readonly #characters: readonly string[]
  readonly #count: (work: number) => void
  #at = 0
  #depth = 0

  constructor(source: string, count: (work: number) => void) {
    this.#characters = Array.from(source)
    this.#count = count
  }

  parse(): Pattern {
    const pattern = this.#choice()
    if (this.#peek() !== undefined) throw new PatternError(`no '${this.#peek()}' there`)
    return pattern
  }

  #choice(): Pattern {
    const options: Pattern[] = []
    do options.push(this.#sequence())
    while (this.#take('|'))
    const [only = nothing, ...others] = options
    return others.length === 0 ? only : { kind: 'choice', options }
  }

  #sequence(): Pattern {
    const items: Pattern[] = []
    for (;;) {
      const next = this.#peek()
      if (next === undefined || next === '|' || next === ')') break
      items.push(this.#quantified(this.#atom(this.#next())))
    }
    return { kind: 'sequence', items }
  }

  #atom(character: string): Pattern {
    if (character === '.') return { kind: 'set', ranges: otherThanLineEnds }
    if (character === '^') return { kind: 'start' }
    if (character === '$') return { kind: 'end' }
    if (character === '(') return this.#group()
    if (character === '[') return { kind: 'set', ranges: this.#class() }
    if (character === '\\') {
      if (this.#take('b')) return wordBoundary(false)
      if (this.#take('B')) return wordBoundary(true)
      return { kind: 'set', ranges: this.#escape() }
    }
    // "]" and "}" alone, and "{" without a number, stand for themselves without the `u` flag.
    const isText = character === '{' && !/[0-9]/.test(this.#peek() ?? '')
    if ('*+?{'.includes(character) && !isText) {
      throw new PatternError(`something before '${character}'`)
    }
    return { kind: 'set', ranges: [single(character)] }
  }

  #group(): Pattern {
    if (++this.#depth > depthMax) throw new PatternError(`groups at most ${depthMax} deep`)
    const look = this.#take('?') ? this.#groupKind() : undefined
    const item = this.#choice()
    if (!this.#take(')')) throw new PatternError("')' behind a group")
    this.#depth--
    return look === undefined ? item : { kind: 'look', ...look, item }
  }

  /** Which way a group looks; undefined where it only holds together. */
  #groupKind(): { isAhead: boolean; isNegative: boolean } | undefined {
    const character = this.#next()
    if (character === ':') return undefined
    if (character === '=' || character === '!') {
      return { isAhead: true, isNegative: character === '!' }
    }
    if (character !== '<') throw new PatternError("':', '=', '!' or '<' behind '(?'")
    const next = this.#next()
    if (next === '=' || next === '!') return { isAhead: false, isNegative: next === '!' }
    while (this.#next() !== '>');
    return undefined
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
    return isInverse ? without(everyCharacter, ranges) : joined(ranges)
  }

  #classItem(): readonly Range[] {
    const character = this.#next()
    if (character !== '\\') return [single(character)]
    return this.#take('b') ? [[0x08, 0x08]] : this.#escape()
  }

  #escape(): readonly Range[] {
    const character = this.#next()
    const set = classEscapes[character]
    if (set !== undefined) return set
    const control = controlEscapes[character]
    if (control !== undefined) return [[control, control]]
    if (character === 'x') return [this.#hex(2)]
    if (character === 'u') return [this.#unicode()]
    if (character === 'p' || character === 'P') return this.#property(character === 'P')
    if (character === 'c') return [this.#controlLetter()]
    if (/[a-zA-Z1-9]/.test(character)) {
      throw new PatternError(`no '\\${character}', which a grammar cannot say`)
    }
    return [single(character)]
  }

  #property(isInverse: boolean): readonly Range[] {
    if (!this.#take('{')) throw new PatternError("'{' behind '\\p'")
    let name = ''
    while (!this.#take('}')) name += this.#next()
    if (!isKnownProperty(name)) this.#count(propertyWork)
    const ranges = charactersOf(name)
    if (ranges === undefined) throw new PatternError(`a property of Unicode's, not '${name}'`)
    this.#count(ranges.length)
    return isInverse ? without(everyCharacter, ranges) : ranges
  }

  #controlLetter(): Range {
    const letter = this.#next()
    if (!/[a-zA-Z]/.test(letter)) throw new PatternError("a letter behind '\\c'")
    const codePoint = letter.charCodeAt(0) % 32
    return [codePoint, codePoint]
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
    else if (this.#peek() === '{' && /[0-9]/.test(this.#characters[this.#at + 1] ?? '')) {
      this.#at++
      ;[min, max] = this.#bounds()
    } else return item
    if (['start', 'end', 'look'].includes(item.kind)) {
      throw new PatternError('no repetition of what has no characters')
    }
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
