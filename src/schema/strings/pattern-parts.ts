import { everyCharacter } from '../writing/ranges.js'
import { type Pattern, PatternError } from './pattern.js'

/** Copies of what may be empty by what stands around it alone. */
const copiesMax = 16

export const nothing: Pattern = { kind: 'sequence', items: [] }
export const anyCharacter: Pattern = { kind: 'set', ranges: everyCharacter }

/** What must hold for a pattern to match no character; undefined where it always takes some. */
export function emptyPart(pattern: Pattern): Pattern | undefined {
  switch (pattern.kind) {
    case 'set':
      return undefined
    case 'any':
      return nothing
    case 'sequence':
      return emptySequence(pattern.items)
    case 'choice': {
      const options = pattern.options.flatMap((option) => emptyPart(option) ?? [])
      if (options.includes(nothing)) return nothing
      return options.length === 0 ? undefined : { kind: 'choice', options }
    }
    case 'repeat':
      return pattern.min === 0 ? nothing : emptyPart(pattern.item)
    default:
      return pattern
  }
}

function emptySequence(items: readonly Pattern[]): Pattern | undefined {
  const parts: Pattern[] = []
  for (const item of items) {
    const part = emptyPart(item)
    if (part === undefined) return undefined
    if (part !== nothing) parts.push(part)
  }
  return parts.length === 0 ? nothing : { kind: 'sequence', items: parts }
}

/** A pattern without its match of no character; undefined where it has no other. */
export function nonEmpty(pattern: Pattern, count: (work: number) => void): Pattern | undefined {
  count(1)
  switch (pattern.kind) {
    case 'set':
      return pattern
    case 'any':
      return { kind: 'repeat', item: anyCharacter, min: 1, max: Number.POSITIVE_INFINITY }
    case 'choice': {
      const options = pattern.options.flatMap((option) => nonEmpty(option, count) ?? [])
      return options.length === 0 ? undefined : { kind: 'choice', options }
    }
    case 'sequence':
      return nonEmptySequence(pattern.items, count)
    case 'repeat':
      return nonEmptyRepeat(pattern, count)
    default:
      return undefined
  }
}

/** By the first of the items that takes a character. */
function nonEmptySequence(
  items: readonly Pattern[],
  count: (work: number) => void,
): Pattern | undefined {
  const options: Pattern[] = []
  const before: Pattern[] = []
  for (const [i, item] of items.entries()) {
    count(items.length)
    const first = nonEmpty(item, count)
    if (first !== undefined) {
      options.push({ kind: 'sequence', items: [...before, first, ...items.slice(i + 1)] })
    }
    const empty = emptyPart(item)
    if (empty === undefined) break
    if (empty !== nothing) before.push(empty)
  }
  return options.length === 0 ? undefined : { kind: 'choice', options }
}

function nonEmptyRepeat(
  { item, min, max }: Pattern & { kind: 'repeat' },
  count: (work: number) => void,
): Pattern | undefined {
  if (max === 0) return undefined
  const empty = emptyPart(item)
  if (empty === undefined) return { kind: 'repeat', item, min: Math.max(min, 1), max }
  if (empty !== nothing && min > 1) {
    return nonEmptySequence(copies(item, min, max), count)
  }
  const some = nonEmpty(item, count)
  return some && { kind: 'repeat', item: some, min: 1, max }
}

/** `item` so often, written out: as often as it must be, then as often as it may. */
export function copies(item: Pattern, min: number, max: number): Pattern[] {
  if (min > copiesMax)
    throw new PatternError(`at most ${copiesMax} repetitions of what looks around`)
  const rest: Pattern = { kind: 'repeat', item, min: 0, max: max - min }
  return [...Array.from({ length: min }, () => item), rest]
}
