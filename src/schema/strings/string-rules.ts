import { type Format, formats } from '../reading/formats.js'
import { ownOf } from '../reading/keywords.js'
import { contains, type Range } from '../writing/ranges.js'
import type { Rules } from '../writing/rules.js'
import { type Automaton, automatonOf, ofLength, TooManyStates } from './automaton.js'
import { automatonRule, countMax } from './automaton-rules.js'
import { type Pattern, PatternError, parsePattern } from './pattern.js'
import { lengthsOf, PatternRules, plainOf, type Writer } from './pattern-rules.js'
import { beforeOf, type Term, Terms } from './terms.js'

/** Of automata, before lengths and with them. */
const statesMax = 2000
const countedStatesMax = 1000
/** Characters of the patterns that one automaton reads: what makes terms recurses. */
const charactersMax = 4000

/** All that is asked of a string. */
export interface StringLimits {
  readonly min: number
  readonly max: number
  /** Each must match, and none of the others may. */
  readonly patterns: readonly string[]
  readonly notPatterns: readonly string[]
  /** Those that bind something. */
  readonly formats: readonly string[]
}

/** Writes the content of strings with limits: what is the same limits is the same rule. */
export class StringRules {
  readonly #rules: Rules
  readonly #writer: Writer
  readonly #plain: PatternRules
  readonly #known = new Map<string, string | undefined>()
  readonly #parsed = new Map<string, Pattern>()

  constructor(rules: Rules, writer: Writer) {
    this.#rules = rules
    this.#writer = writer
    this.#plain = new PatternRules(rules, writer)
  }

  /**
   * The rule of what a string may be; undefined where that is nothing.
   * @throws PatternError
   */
  content(limits: StringLimits): string | undefined {
    const key = JSON.stringify({ ...limits, max: String(limits.max) })
    if (this.#known.has(key)) return this.#known.get(key)
    const rule = limits.min > limits.max ? undefined : this.#content(limits)
    this.#known.set(key, rule)
    return rule
  }

  /**
   * Whether a text is within the limits, and one that is written.
   * @throws PatternError
   */
  allows({ min, max, ...others }: StringLimits, text: string): boolean {
    const characters = Array.from(text)
    if (characters.length < min || characters.length > max) return false
    if (isNothing(others)) return true
    const terms = new Terms((work) => this.#rules.count(work))
    let term = this.#term(terms, others, false)
    const classes = terms.classes()
    let looks = terms.looks
    let isStart = true
    for (const character of characters) {
      const codePoint = character.codePointAt(0) ?? 0
      const klass = classes.findIndex((ranges) => contains(ranges, codePoint))
      const before = beforeOf(terms, looks, isStart)
      looks = looks.map((look) => terms.after(look, klass, before))
      term = terms.after(term, klass, before)
      isStart = false
    }
    return terms.mayEnd(term, beforeOf(terms, looks, isStart))
  }

  #content(limits: StringLimits): string | undefined {
    const { min, max, patterns, notPatterns, formats: names } = limits
    const rules = this.#rules
    if (isNothing(limits)) return rules.repeat(this.#writer.any(), min, Math.min(max, longest(max)))
    if (patterns.length + names.length === 1 && notPatterns.length === 0) {
      const [source = whole(ownOf(formats, names[0] ?? '')?.text)] = patterns
      const plain = plainOf(this.#pattern(source))
      const [least, most] = plain === undefined ? [0, Number.POSITIVE_INFINITY] : lengthsOf(plain)
      if (plain !== undefined && least >= min && most <= max) return this.#plain.rule(plain)
    }
    const automaton = this.#automaton(limits)
    return automaton && automatonRule(rules, this.#writer, automaton)
  }

  #automaton(limits: StringLimits): Automaton | undefined {
    const count = (work: number) => this.#rules.count(work)
    const isWritable = (ranges: readonly Range[]) => this.#writer.canWrite(ranges)
    const terms = new Terms(count)
    const known = limits.formats.flatMap((name) => ownOf(formats, name) ?? [])
    const isAlone = limits.patterns.length + limits.notPatterns.length === 0 && known.length === 1
    const root = this.#term(terms, limits, isAlone)
    const lengths: [number, number] = [limits.min, limits.max]
    for (const { shortMax } of isAlone ? known : []) {
      if (shortMax !== undefined) lengths[1] = Math.min(lengths[1], shortMax)
    }
    try {
      const all = automatonOf(terms, root, isWritable, { statesMax, count })
      return all && ofLength(all, lengths, { statesMax: countedStatesMax, count })
    } catch (error) {
      if (!(error instanceof TooManyStates)) throw error
      throw new PatternError('what takes fewer states to follow, with all that stands beside it')
    }
  }

  #term(
    terms: Terms,
    { patterns, notPatterns, formats: names }: Omit<StringLimits, 'min' | 'max'>,
    isAlone: boolean,
  ): Term {
    const sources = [...patterns, ...notPatterns]
    if (sources.reduce((sum, { length }) => sum + length, 0) > charactersMax) {
      throw new PatternError(`patterns of at most ${charactersMax} characters`)
    }
    const known = names.flatMap((name) => ownOf(formats, name) ?? [])
    return terms.and([
      ...patterns.map((source) => terms.matching(this.#pattern(source))),
      ...notPatterns.map((source) => terms.not(terms.matching(this.#pattern(source)))),
      ...known.map((format) => terms.matching(this.#pattern(partOf(format, isAlone)))),
    ])
  }

  /** Once for each text: there may be many a $ref to it. */
  #pattern(source: string): Pattern {
    const known = this.#parsed.get(source)
    if (known !== undefined) return known
    this.#rules.count(20 * source.length)
    const pattern = parsePattern(source, (work) => this.#rules.count(work))
    this.#parsed.set(source, pattern)
    return pattern
  }
}

function partOf({ text, short, wide }: Format, isAlone: boolean): string {
  return whole((isAlone ? short : wide) ?? text)
}

function whole(pattern = ''): string {
  return `^(?:${pattern})$`
}

function isNothing({ patterns, notPatterns, formats }: Omit<StringLimits, 'min' | 'max'>) {
  return patterns.length + notPatterns.length + formats.length === 0
}

function longest(max: number): number {
  return max === Number.POSITIVE_INFINITY ? max : countMax
}
