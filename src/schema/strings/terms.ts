import { everyCharacter, joined, type Range } from '../writing/ranges.js'
import type { Pattern } from './pattern.js'
import { anyCharacter, copies, emptyPart, nonEmpty, nothing } from './pattern-parts.js'
import { optionsOf } from './pattern-rules.js'

/**
 * A set of texts, by what may follow a text so far. Of each there is one: what is the same set by
 * its parts is the same object.
 */
export interface Term {
  readonly id: number
  readonly kind: 'none' | 'all' | 'empty' | 'then' | 'or' | 'and' | 'not'
  readonly step: Step | undefined
  readonly parts: readonly Term[]
}

/** What comes next, before the rest of a text. */
type Step =
  | { kind: 'set'; set: number }
  | { kind: 'repeat'; item: Pattern; itemId: number; min: number; max: number }
  | { kind: 'start' }
  | { kind: 'behind'; look: number; isNegative: boolean }

/** What is known of the text before: nothing of it, or what its end looks like. */
export interface Before {
  readonly isStart: boolean
  /** By lookbehind, whether it matches here. */
  readonly looks: readonly boolean[]
  /** The same for what is the same. */
  readonly key: string
}

/**
 * Regular expressions with all that JavaScript's have (but back references), and with both, either
 * and not: by their derivatives, after Brzozowski. A term says what may follow; after a character
 * it becomes another.
 */
export class Terms {
  readonly none: Term
  readonly all: Term
  readonly empty: Term
  readonly #count: (work: number) => void
  readonly #known = new Map<string, Term>()
  readonly #sets = new Map<string, number>()
  readonly #ranges: (readonly Range[])[] = []
  readonly #itemIds = new Map<Pattern, number>()
  readonly #looks: Term[] = []
  readonly #lookIds = new Map<Pattern, number>()
  readonly #nonEmpty = new Map<Pattern, Pattern | undefined>()
  #classOf: readonly Uint8Array[] = []
  readonly #setIds = new Map<readonly Range[], number>()
  #classes = 0
  #next = new Map<string, Map<number, Term>>()

  constructor(count: (work: number) => void) {
    this.#count = count
    this.none = this.#term('none', 'none', undefined, [])
    this.all = this.#term('all', 'all', undefined, [])
    this.empty = this.#term('empty', 'empty', undefined, [])
    this.#setOf(everyCharacter) // it may come up later
  }

  /** The whole texts in which a pattern matches. */
  matching(pattern: Pattern): Term {
    const options = optionsOf(pattern).map((option) => {
      const items = option.kind === 'sequence' ? [...option.items] : [option]
      const isClosed = items.at(-1)?.kind === 'end'
      if (isClosed) items.pop()
      if (items[0]?.kind !== 'start') items.unshift({ kind: 'any' })
      return this.#sequence(items, isClosed ? this.empty : this.all)
    })
    return this.or(options)
  }

  /** Texts of so many characters. */
  long(min: number, max: number): Term {
    return this.#repeat(anyCharacter, min, max, this.empty)
  }

  or(parts: readonly Term[]): Term {
    return this.#join('or', parts, this.none, this.all)
  }

  and(parts: readonly Term[]): Term {
    return this.#join('and', parts, this.all, this.none)
  }

  not(term: Term): Term {
    if (term === this.none) return this.all
    if (term === this.all) return this.none
    if (term.kind === 'not') return term.parts[0] as Term
    return this.#term(`!${term.id}`, 'not', undefined, [term])
  }

  /** What is matched behind each place, followed along with the text. */
  get looks(): readonly Term[] {
    return this.#looks
  }

  /** Sets of characters that nothing here tells apart: together they are all. */
  classes(): Range[][] {
    const { classes, classOf } = partition(this.#ranges, this.#count)
    this.#classOf = classOf
    this.#classes = classes.length
    this.#next = new Map()
    return classes
  }

  /** What may follow after a character of a class. Only after classes(). */
  after(term: Term, klass: number, before: Before): Term {
    switch (term.kind) {
      case 'none':
      case 'empty':
        return this.none
      case 'all':
        return term
      case 'then':
      case 'or':
      case 'and':
      case 'not': {
        const key = term.id * this.#classes + klass
        const followers = this.#followers(before)
        const known = followers.get(key)
        if (known !== undefined) return known
        this.#count(2 + term.parts.length)
        const next = this.#after(term, klass, before)
        followers.set(key, next)
        return next
      }
    }
  }

  /** The terms after each class that are known, with the same before. */
  #followers({ key }: Before): Map<number, Term> {
    const known = this.#next.get(key)
    if (known !== undefined) return known
    const followers = new Map<number, Term>()
    this.#next.set(key, followers)
    return followers
  }

  /** Whether a text may end here. */
  mayEnd(term: Term, before: Before): boolean {
    const [first] = term.parts
    switch (term.kind) {
      case 'none':
        return false
      case 'all':
      case 'empty':
        return true
      case 'not':
        return !this.mayEnd(first as Term, before)
      case 'or':
        return term.parts.some((part) => this.mayEnd(part, before))
      case 'and':
        return term.parts.every((part) => this.mayEnd(part, before))
      case 'then':
        return this.#isFree(term.step as Step, before) && this.mayEnd(first as Term, before)
    }
  }

  /** Whether a step may take no character. */
  #isFree(step: Step, { isStart, looks }: Before): boolean {
    switch (step.kind) {
      case 'set':
        return false
      case 'repeat':
        return step.min === 0
      case 'start':
        return isStart
      case 'behind':
        return looks[step.look] !== step.isNegative
    }
  }

  #after(term: Term, klass: number, before: Before): Term {
    const after = (part: Term) => this.after(part, klass, before)
    if (term.kind === 'or') return this.or(term.parts.map(after))
    if (term.kind === 'and') return this.and(term.parts.map(after))
    const [rest] = term.parts as [Term]
    if (term.kind === 'not') return this.not(after(rest))
    const step = term.step as Step
    if (step.kind === 'set') return this.#classOf[step.set]?.[klass] ? rest : this.none
    if (step.kind !== 'repeat') return this.#isFree(step, before) ? after(rest) : this.none
    const { item, min, max } = step
    const again = this.#then(item, this.#repeat(item, Math.max(0, min - 1), max - 1, rest))
    return min > 0 ? after(again) : this.or([after(again), after(rest)])
  }

  #then(pattern: Pattern, rest: Term): Term {
    if (rest === this.none) return rest
    switch (pattern.kind) {
      case 'set':
        return this.#set(this.#setOf(pattern.ranges), rest)
      case 'any':
        return this.#repeat(anyCharacter, 0, Number.POSITIVE_INFINITY, rest)
      case 'sequence':
        return this.#sequence(pattern.items, rest)
      case 'choice':
        return this.or(pattern.options.map((option) => this.#then(option, rest)))
      case 'repeat':
        return this.#repeat(pattern.item, pattern.min, pattern.max, rest)
      case 'start':
        return this.#step('^', rest, pattern)
      case 'end':
        return this.and([rest, this.empty])
      case 'look':
        return this.#look(pattern, rest)
    }
  }

  #set(set: number, rest: Term): Term {
    return this.#step(`s${set}`, rest, { kind: 'set', set })
  }

  #sequence(items: readonly Pattern[], rest: Term): Term {
    this.#count(items.length)
    return items.reduceRight((so, item) => this.#then(item, so), rest)
  }

  #look(pattern: Pattern & { kind: 'look' }, rest: Term): Term {
    const { isAhead, isNegative, item } = pattern
    if (isAhead) {
      const ahead = this.#then(item, this.all)
      return this.and([rest, isNegative ? this.not(ahead) : ahead])
    }
    let look = this.#lookIds.get(item)
    if (look === undefined) {
      look = this.#looks.length
      this.#lookIds.set(item, look)
      this.#looks.push(this.none)
      this.#looks[look] = this.#sequence([{ kind: 'any' }, item], this.empty)
    }
    return this.#step(`b${look}${isNegative}`, rest, { kind: 'behind', look, isNegative })
  }

  #repeat(given: Pattern, least: number, max: number, rest: Term): Term {
    if (rest === this.none || max === 0) return least > 0 && max === 0 ? this.none : rest
    let [item, min] = [given, least]
    const empty = emptyPart(item)
    if (empty !== undefined) {
      if (empty !== nothing && min > 0) return this.#sequence(copies(item, min, max), rest)
      const some = this.#someOf(item)
      if (some === undefined) return rest
      item = some
      min = 0
    }
    const isFree = min === 0 && max === Number.POSITIVE_INFINITY && isEvery(item)
    if (isFree && (rest === this.all || rest === this.empty)) return this.all
    const itemId = this.#idOf(item)
    return this.#step(`r${itemId},${min},${max}`, rest, { kind: 'repeat', item, itemId, min, max })
  }

  /** An item without its match of nothing: one object for each. */
  #someOf(item: Pattern): Pattern | undefined {
    if (!this.#nonEmpty.has(item)) this.#nonEmpty.set(item, nonEmpty(item, this.#count))
    return this.#nonEmpty.get(item)
  }

  #idOf(item: Pattern): number {
    const known = this.#itemIds.get(item)
    if (known !== undefined) return known
    this.#itemIds.set(item, this.#itemIds.size)
    this.#learn(item)
    return this.#itemIds.size - 1
  }

  /** The sets of what is only looked at when its turn comes. */
  #learn(pattern: Pattern): void {
    if (pattern.kind === 'set') this.#setOf(pattern.ranges)
    else if (pattern.kind === 'sequence') for (const item of pattern.items) this.#learn(item)
    else if (pattern.kind === 'choice') for (const item of pattern.options) this.#learn(item)
    else if (pattern.kind === 'repeat') this.#learn(pattern.item)
    else if (pattern.kind === 'look') this.#look(pattern, this.all)
  }

  #setOf(ranges: readonly Range[]): number {
    const cached = this.#setIds.get(ranges)
    if (cached !== undefined) return cached
    const key = joined(ranges).join()
    const id = this.#sets.get(key) ?? this.#ranges.length
    if (id === this.#ranges.length) this.#ranges.push(ranges)
    this.#sets.set(key, id)
    this.#setIds.set(ranges, id)
    return id
  }

  #step(name: string, rest: Term, step: Step): Term {
    if (rest === this.none) return rest
    return this.#term(`${name}.${rest.id}`, 'then', step, [rest])
  }

  #join(kind: 'or' | 'and', given: readonly Term[], unit: Term, zero: Term): Term {
    const parts = new Set<Term>()
    for (const part of given) {
      if (part === zero) return zero
      if (part === unit) continue
      if (part.kind === kind) for (const one of part.parts) parts.add(one)
      else parts.add(part)
    }
    this.#count(parts.size)
    for (const part of parts) {
      if (part.kind === 'not' && parts.has(part.parts[0] as Term)) return zero
    }
    const [only] = parts
    if (only === undefined) return unit
    if (parts.size === 1) return only
    const ordered = [...parts].sort((a, b) => a.id - b.id)
    const key = `${kind}${ordered.map(({ id }) => id).join()}`
    return this.#term(key, kind, undefined, ordered)
  }

  #term(key: string, kind: Term['kind'], step: Step | undefined, parts: readonly Term[]): Term {
    const known = this.#known.get(key)
    if (known !== undefined) return known
    const term = { id: this.#known.size, kind, step, parts }
    this.#known.set(key, term)
    return term
  }
}

/** What lookbehinds find at a place. Those that are in others have higher numbers. */
export function beforeOf(terms: Terms, looks: readonly Term[], isStart: boolean): Before {
  const matches: boolean[] = looks.map(() => false)
  for (let i = looks.length - 1; i >= 0; i--) {
    const so = { isStart, looks: matches, key: '' }
    matches[i] = terms.mayEnd(looks[i] as Term, so)
  }
  return { isStart, looks: matches, key: `${isStart}${matches.join()}` }
}

function isEvery(pattern: Pattern): boolean {
  return pattern.kind === 'set' && pattern.ranges === everyCharacter
}

/** The parts of all characters that the sets tell apart, and of each set which parts it has. */
function partition(sets: readonly (readonly Range[])[], count: (work: number) => void) {
  const changes = new Map<number, number[]>([[0, []]])
  const change = (at: number, set: number) => {
    const known = changes.get(at)
    if (known === undefined) changes.set(at, [set])
    else known.push(set)
  }
  for (const [set, ranges] of sets.entries()) {
    count(ranges.length)
    for (const [first, last] of joined(ranges)) {
      change(first, set)
      change(last + 1, set)
    }
  }
  const open = new Set<number>()
  const ids = new Map<string, number>()
  const classes: Range[][] = []
  const members: number[][] = []
  const points = [...changes.keys()].sort((a, b) => a - b)
  for (const [i, from] of points.entries()) {
    // What begins where it ends is taken away and put back: it stays.
    for (const set of changes.get(from) ?? []) if (!open.delete(set)) open.add(set)
    const last = (points[i + 1] ?? 0x110000) - 1
    if (from > last) continue
    const key = [...open].sort((a, b) => a - b).join()
    count(open.size)
    const id = ids.get(key) ?? classes.length
    if (id === classes.length) {
      ids.set(key, id)
      classes.push([])
      members.push([...open])
    }
    classes[id]?.push([from, last])
  }
  count((sets.length * classes.length) / 64)
  const classOf = sets.map(() => new Uint8Array(classes.length))
  members.forEach((open, id) => {
    for (const set of open) (classOf[set] as Uint8Array)[id] = 1
  })
  return { classes, classOf }
}
