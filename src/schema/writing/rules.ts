import { json, type Notation } from './notation.js'
import type { Range } from './ranges.js'

/** Characters of a grammar that is made from a schema; the native side takes 2 MiB. */
const charactersMax = 1024 * 1024
/**
 * What a schema may make its compiler look at: entries, characters and pairs of them, each counted
 * as often as it is looked at. 30 ms or so of the event loop.
 */
const workMax = 500_000
/** What repeats more often is written as repetitions of so many: fewer elements for the engine. */
const block = 128

/** Work that the grammars of one request may still take, all together. */
export interface Budget {
  left: number
}

/** A grammar in the making: GBNF rules by number, equal ones once. */
export class Rules {
  readonly #lines: string[] = []
  readonly #names = new Map<string, string>()
  readonly #prefix: string
  readonly #budget: Budget
  #count = 0
  #characters = 0
  #work = 0

  /** `prefix` begins the names, where rules of others join them. */
  constructor(
    readonly notation: Notation = json,
    prefix = 'r',
    budget: Budget = { left: workMax },
  ) {
    this.#prefix = prefix
    this.#budget = budget
  }

  /** The name of a rule that says `expression`. */
  add(expression: string): string {
    this.count(4 + expression.length / 16)
    const known = this.#names.get(expression)
    if (known !== undefined) return known
    const name = this.reserve()
    this.#names.set(expression, name)
    this.define(name, expression)
    return name
  }

  /** A name to be defined later, for what refers to itself. */
  reserve(): string {
    return `${this.#prefix}${this.#count++}`
  }

  /** @throws RangeError when the grammar becomes too large */
  define(name: string, expression: string): void {
    const line = `${name} ::= ${expression}`
    this.#characters += line.length + 1
    if (this.#characters > charactersMax) throw new RangeError('the grammar is too large')
    this.#lines.push(line)
  }

  /**
   * Counts work, here and wherever something is looked at that a schema may make large.
   * @throws RangeError when it becomes too much
   */
  count(work: number): void {
    this.#work += work
    this.#budget.left -= work
    if (this.#work > workMax || this.#budget.left < 0)
      throw new RangeError('it takes too long to look through')
  }

  /** A rule that is one of several expressions. */
  oneOf(expressions: readonly string[]): string {
    const different = [...new Set(expressions)]
    const [first = ''] = different
    if (different.length === 1 && /^\w+$/.test(first)) return first
    return this.add(different.length === 0 ? '""' : different.join(' | '))
  }

  /** `item`, a rule's name, min to max times. */
  repeat(item: string, min: number, max = Number.POSITIVE_INFINITY): string {
    const least = this.#exactly(item, min)
    const rest = max === Number.POSITIVE_INFINITY ? `${item}*` : this.#upTo(item, max - min)
    return this.add([least, rest].filter((part) => part !== '').join(' ') || '""')
  }

  text(): string {
    return this.#lines.join('\n')
  }

  #exactly(item: string, count: number): string {
    if (count < 2 * block) return count === 0 ? '' : `${item}{${count}}`
    const blocks = `${this.add(`${item}{${block}}`)}{${Math.floor(count / block)}}`
    return count % block === 0 ? blocks : `${blocks} ${item}{${count % block}}`
  }

  #upTo(item: string, count: number): string {
    if (count < 2 * block) return count === 0 ? '' : `${item}{0,${count}}`
    const blocks = Math.floor(count / block) - 1
    return `${this.add(`${item}{${block}}`)}{0,${blocks}} ${item}{0,${count - blocks * block}}`
  }
}

/** Text as it stands. */
export function literal(text: string): string {
  return `"${Array.from(text, escaped).join('')}"`
}

function escaped(character: string): string {
  if (character === '"' || character === '\\') return `\\${character}`
  const value = character.codePointAt(0) ?? 0
  return value < 0x20 ? codePoint(value) : character
}

/** One character out of ranges; there must be one. */
export function characterClass(ranges: readonly Range[]): string {
  const parts = ranges.map(([first, last]) =>
    first === last ? codePoint(first) : `${codePoint(first)}-${codePoint(last)}`,
  )
  return `[${parts.join('')}]`
}

function codePoint(value: number): string {
  return `\\U${value.toString(16).padStart(8, '0')}`
}
