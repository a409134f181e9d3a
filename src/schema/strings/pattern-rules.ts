import type { Range } from '../writing/ranges.js'
import type { Rules } from '../writing/rules.js'
import type { Pattern } from './pattern.js'

const any: Pattern = { kind: 'any' }

/**
 * The whole texts in which a pattern matches, as one that needs no anchors. Undefined where it
 * looks around, repeats what may be empty, or has anchors elsewhere than at its ends: that takes
 * an automaton.
 */
export function plainOf(pattern: Pattern): Pattern | undefined {
  const options: Pattern[] = []
  for (const option of optionsOf(pattern)) {
    const items = option.kind === 'sequence' ? [...option.items] : [option]
    if (items[0]?.kind === 'start') items.shift()
    else items.unshift(any)
    if (items.at(-1)?.kind === 'end') items.pop()
    else items.push(any)
    if (!items.every(isPlain)) return undefined
    options.push({ kind: 'sequence', items })
  }
  return { kind: 'choice', options }
}

/** The alternatives of a pattern, out of groups that hold nothing else. */
export function optionsOf(pattern: Pattern): readonly Pattern[] {
  if (pattern.kind === 'choice') return pattern.options.flatMap(optionsOf)
  const [only, ...others] = pattern.kind === 'sequence' ? pattern.items : []
  const isGroup = only?.kind === 'choice' || only?.kind === 'sequence'
  return isGroup && others.length === 0 ? optionsOf(only) : [pattern]
}

function isPlain(pattern: Pattern): boolean {
  switch (pattern.kind) {
    case 'set':
    case 'any':
      return true
    case 'sequence':
      return pattern.items.every(isPlain)
    case 'choice':
      return pattern.options.every(isPlain)
    case 'repeat':
      // What may be empty, again and again, is no rule of a grammar's.
      return isPlain(pattern.item) && (pattern.max <= 1 || lengthsOf(pattern.item)[0] > 0)
    default:
      return false
  }
}

/** How many characters a text may have that a plain pattern matches. */
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
    default:
      return [0, 0]
  }
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((a, b) => a + b, 0)
}

/** How the characters of a string are written. */
export interface Writer {
  /** The rule of any character. */
  any(): string
  /** Whether one of some characters can be written. */
  canWrite(ranges: readonly Range[]): boolean
  /** The rule of one of some characters; '' where none of them can be written. */
  one(ranges: readonly Range[]): string
}

/** Writes plain patterns as the content of strings. */
export class PatternRules {
  readonly #rules: Rules
  readonly #writer: Writer
  readonly #ofSets = new Map<readonly Range[], string>()

  constructor(rules: Rules, writer: Writer) {
    this.#rules = rules
    this.#writer = writer
  }

  /** The rule of what the pattern matches; undefined where no text that can be written does. */
  rule(pattern: Pattern): string | undefined {
    switch (pattern.kind) {
      case 'set':
        return this.#set(pattern.ranges) || undefined
      case 'any':
        return this.#rules.add(`${this.#writer.any()}*`)
      case 'sequence':
        return this.#sequence(pattern.items)
      case 'choice': {
        const options = pattern.options.flatMap((option) => this.rule(option) ?? [])
        return options.length === 0 ? undefined : this.#rules.oneOf(options)
      }
      case 'repeat': {
        const item = pattern.max === 0 ? undefined : this.rule(pattern.item)
        if (item === undefined) return pattern.min === 0 ? '""' : undefined
        return this.#rules.repeat(item, pattern.min, pattern.max)
      }
      default:
        throw new TypeError(`no plain pattern: ${pattern.kind}`)
    }
  }

  #set(ranges: readonly Range[]): string {
    const known = this.#ofSets.get(ranges)
    if (known !== undefined) return known
    const rule = this.#writer.one(ranges)
    this.#ofSets.set(ranges, rule)
    return rule
  }

  #sequence([only, ...others]: readonly Pattern[]): string | undefined {
    if (only === undefined) return '""'
    if (others.length === 0) return this.rule(only)
    const parts = [only, ...others].map((item) => this.rule(item))
    return parts.includes(undefined) ? undefined : this.#rules.add(parts.join(' '))
  }
}
