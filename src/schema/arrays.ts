import type { Compiler } from './compiler.js'
import type { Contained } from './reading/conditions.js'
import { countOf, type Located, refuse, type SchemaObject } from './reading/keywords.js'
import { areApart } from './reading/one-of.js'
import { literalsOf } from './values.js'
import { whitespace } from './writing/json-text.js'
import type { Rules } from './writing/rules.js'

/** More items are not written: a grammar counts. */
const countMax = 16_384
/** Of an array that has to have some items among others: places times how many of them. */
const containedStatesMax = 1000
/** Sets of values that may have been written: beyond, they come in the order of the schema. */
const subsetsMax = 300

interface Lengths {
  readonly min: number
  readonly max: number
}

/** The rule of an array; undefined where there is none. */
export function arrayRule(
  compiler: Compiler,
  flat: SchemaObject,
  path: string,
  depth: number,
): string | undefined {
  const min = countOf(flat, 'minItems', 0, path)
  const max = countOf(flat, 'maxItems', Number.POSITIVE_INFINITY, path)
  if (min > max) return undefined
  if (min > countMax) refuse(`${path}.minItems`, `at most ${countMax}`, min)
  const array = new ArrayRules(compiler, flat, path, depth)
  const isUnique = flat.uniqueItems === true && max > 1 && !array.areApart()
  if (isUnique) {
    const unique = array.unique({ min, max })
    if (unique !== 'unknown') return unique
    const wanted = 'items of named values (an enum), or maxItems 1: a grammar cannot compare items'
    compiler.cannot(`${path}.uniqueItems`, wanted, true)
  }
  const contained = (flat.contains ?? []) as readonly Contained[]
  const [only, ...others] = contained
  if (others.length > 0) compiler.cannot(`${path}.contains`, 'one of it, with allOf', contained)
  else if (only !== undefined) {
    const rule = array.containing(only, { min, max })
    if (rule !== 'unknown') return rule
    compiler.cannot(`${path}.contains`, 'no prefixItems and few items beside it', only.schema)
  }
  return array.plain({ min, max })
}

class ArrayRules {
  readonly #compiler: Compiler
  readonly #rules: Rules
  readonly #flat: SchemaObject
  readonly #path: string
  readonly #depth: number
  readonly #list: readonly Located[]
  readonly #ws: string

  constructor(compiler: Compiler, flat: SchemaObject, path: string, depth: number) {
    this.#compiler = compiler
    this.#rules = compiler.rules
    this.#flat = flat
    this.#path = path
    this.#depth = depth
    this.#list = (flat.prefixItems ?? []) as readonly Located[]
    this.#ws = whitespace(compiler.rules)
  }

  /** Of what stands behind the list; undefined where nothing is said. */
  get #rest(): Located | undefined {
    const { items, unevaluatedItems: other } = this.#flat
    if (items !== undefined) return items as Located
    return other === undefined
      ? undefined
      : { schema: other, path: `${this.#path}.unevaluatedItems` }
  }

  plain({ min, max }: Lengths): string | undefined {
    const prefix = this.#list.slice(0, max).map((item) => this.#visit(item))
    // What may follow a list that was given is written only where it must be.
    const isWanted = this.#list.length === 0 || this.#rest !== undefined || min > this.#list.length
    const item = isWanted ? this.#visit(this.#rest ?? this.#anything) : undefined
    const isCut = prefix.indexOf(undefined)
    if (isCut >= 0) prefix.length = isCut
    // A list may be left off before its end: what is there is held to it.
    const isOver = item === undefined || isCut >= 0
    if (isOver && min > prefix.length) return undefined
    const most = isOver ? 0 : Math.min(max, Math.max(countMax, min)) - prefix.length
    const least = Math.max(0, min - prefix.length)
    const rest = this.#items(
      item,
      prefix.length > 0,
      least,
      Number.isFinite(max) || isOver ? most : max,
    )
    const parts = prefix.map((rule, i) => (i === 0 ? rule : `"," ${this.#ws} ${rule}`))
    return this.#brackets([...parts, rest].join(' '))
  }

  get #anything(): Located {
    return { schema: true, path: `${this.#path}.items` }
  }

  #visit({ schema, path }: Located): string | undefined {
    return this.#compiler.visit(schema, path, this.#depth + 1)
  }

  #brackets(content: string): string {
    return this.#rules.add(`"[" ${this.#ws} ${content} ${this.#ws} "]"`)
  }

  #next(item: string): string {
    return this.#rules.add(`"," ${this.#ws} ${item}`)
  }

  #items(item: string | undefined, isBegun: boolean, min: number, max: number): string {
    if (item === undefined || max <= 0) return '""'
    const next = this.#next(item)
    if (isBegun) return this.#rules.repeat(next, min, max)
    const all = this.#rules.add(
      `${item} ${this.#rules.repeat(next, Math.max(0, min - 1), max - 1)}`,
    )
    return min === 0 ? `${all}?` : all
  }

  /** Whether no two of the items can be the same: a list with nothing behind it. */
  areApart(): boolean {
    const max = countOf(this.#flat, 'maxItems', Number.POSITIVE_INFINITY, this.#path)
    const isClosed = this.#rest?.schema === false || max <= this.#list.length
    if (this.#list.length === 0 || !(isClosed || this.#rest === undefined)) return false
    if (countOf(this.#flat, 'minItems', 0, this.#path) > this.#list.length) return false
    if (this.#list.length > 16) return false
    const shapes = this.#list.map(({ schema, path }) => this.#compiler.shape(schema, path))
    return shapes.every((shape, i) => {
      return shapes.slice(0, i).every((other) => {
        return shape === undefined || other === undefined || areApart(shape, other)
      })
    })
  }

  /** Of named values, each once at most. */
  unique({ min, max }: Lengths): string | undefined | 'unknown' {
    if (this.#list.length > 0) return 'unknown'
    const given = this.#rest ?? this.#anything
    const values = this.#compiler.valuesOf(given.schema, given.path)
    if (values === undefined || this.#flat.contains !== undefined) return 'unknown'
    const texts = literalsOf(this.#rules, values)
    const most = Math.min(max, texts.length)
    if (min > most) return undefined
    const names = texts.map((text) => this.#rules.add(text))
    const lengths = { min, max: most }
    const content =
      subsetsOf(names.length, most - 1) <= subsetsMax
        ? this.#anyOrder(names, lengths)
        : this.#schemaOrder(names, lengths)
    return this.#brackets(content)
  }

  #anyOrder(names: readonly string[], { min, max }: Lengths): string {
    const known = new Map<string, string>()
    const after = (used: readonly number[]): string => {
      const key = [...used].sort((a, b) => a - b).join()
      const cached = known.get(key)
      if (cached !== undefined) return cached
      const choices = used.length >= min ? ['""'] : []
      const isBegun = used.length > 0
      for (const [i, name] of used.length < max ? names.entries() : []) {
        if (used.includes(i)) continue
        choices.push(`${isBegun ? `"," ${this.#ws} ` : ''}${name} ${after([...used, i])}`)
      }
      const rule = this.#rules.oneOf(choices)
      known.set(key, rule)
      return rule
    }
    return after([])
  }

  #schemaOrder(names: readonly string[], { min, max }: Lengths): string {
    // By how many were written, up to where it makes no difference.
    const most = max < names.length ? max : min
    let after: (string | undefined)[] = Array.from({ length: most + 1 }, (_, count) =>
      count >= min ? '""' : undefined,
    )
    let first = after[0]
    for (const name of [...names].reverse()) {
      const next = after.map((skip, count) => {
        const rest = after[max < names.length ? count + 1 : Math.min(count + 1, most)]
        const take = rest && `"," ${this.#ws} ${name} ${rest}`
        return this.#either(take, skip)
      })
      const rest = after[max < names.length ? 1 : Math.min(1, most)]
      first = this.#either(rest && `${name} ${rest}`, first)
      after = next
    }
    return first ?? '""'
  }

  #either(one: string | undefined, two: string | undefined): string | undefined {
    const choices = [one, two].filter((choice) => choice !== undefined)
    return choices.length === 0 ? undefined : this.#rules.oneOf(choices)
  }

  /** With so many items of a kind among them. */
  containing(wanted: Contained, { min, max }: Lengths): string | undefined | 'unknown' {
    if (this.#list.length > 0) return 'unknown'
    const given = this.#rest ?? this.#anything
    const hasMost = Number.isFinite(wanted.max)
    const negated = hasMost ? this.#compiler.negate(wanted.schema, wanted.path) : [true]
    if (negated === undefined) return 'unknown'
    const others = hasMost ? { allOf: [given.schema, { anyOf: negated }] } : given.schema
    const other = negated.length === 0 ? undefined : this.#visit({ ...given, schema: others })
    const both = { ...wanted, schema: { allOf: [given.schema, wanted.schema] } }
    const one = wanted.max === 0 ? undefined : this.#visit(both)
    const last = Number.isFinite(max) ? max : Math.max(1, min, wanted.min)
    const found = hasMost ? wanted.max : wanted.min
    if ((last + 1) * (found + 1) > containedStatesMax) return 'unknown'
    const known = new Map<number, string | undefined>()
    const after = (length: number, count: number): string | undefined => {
      const [i, j] = [Math.min(length, last), Math.min(count, found)]
      const key = i * (found + 1) + j
      if (known.has(key)) return known.get(key)
      // Once all that must be is there, any number may follow: a rule that comes back to itself.
      const isEndless = !Number.isFinite(max) && i === last
      const name = isEndless ? this.#rules.reserve() : undefined
      known.set(key, name)
      const choices = length >= min && count >= wanted.min ? ['""'] : []
      const comma = length > 0 || isEndless ? `"," ${this.#ws} ` : ''
      if (length < max) {
        const rest = other && after(length + 1, count)
        if (rest !== undefined) choices.push(`${comma}${other} ${rest}`)
        const isWanted = hasMost ? count < wanted.max : count < wanted.min
        const next = one && isWanted ? after(length + 1, count + 1) : undefined
        if (next !== undefined) choices.push(`${comma}${one} ${next}`)
      }
      // What can only come back to itself never ends: it is no text.
      const isLoop = choices.every((choice) => choice.endsWith(` ${name}`))
      if (name !== undefined && isLoop) choices.length = 0
      if (name !== undefined) this.#rules.define(name, choices.join(' | ') || name)
      const rule = choices.length === 0 ? undefined : (name ?? this.#rules.oneOf(choices))
      known.set(key, rule)
      return rule
    }
    const content = after(0, 0)
    return content && this.#brackets(content)
  }
}

/** How many sets of at most so many there are, out of `count`. */
function subsetsOf(count: number, most: number): number {
  let [sum, sets] = [1, 1]
  for (let size = 1; size <= most && sum <= subsetsMax; size++) {
    sets = (sets * (count - size + 1)) / size
    sum += sets
  }
  return sum
}
