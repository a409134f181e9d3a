import { InvalidSchemaError } from '../../engine/errors.js'
import { jsonOf, NotJsonError } from '../json-of.js'
import { formats } from './formats.js'
import {
  anyBoolean,
  anyInteger,
  anyJson,
  anyNumber,
  anyOfType,
  anyString,
  quoted,
  stringCharacter,
  whitespace,
} from './json-text.js'
import {
  checkKeywords,
  constraintsOf,
  countOf,
  isObject,
  keptOf,
  listOf,
  numberOf,
  overlap,
  ownOf,
  refuse,
  type SchemaObject,
  type TypeName,
  typeNames,
  typesOf,
} from './keywords.js'
import { merge, valuesOf } from './merge.js'
import type { Notation } from './notation.js'
import { type Bounds, boundedNumber, isUsableBound } from './numbers.js'
import { objectRule } from './objects.js'
import { areApart, extentOf, shapeOf } from './one-of.js'
import { lengthsOf, PatternError, PatternRules, parsePattern } from './pattern.js'
import { References } from './references.js'
import { type Budget, Rules } from './rules.js'
import { fittingValues, oneOfTexts } from './values.js'
import { weightOf } from './weight.js'

const bytesMax = 64 * 1024
const depthMax = 32
/** Schemas visited, those that $ref and allOf bring in again included. */
const visitsMax = 5_000
/** Each is merged with all before it. */
const allOfMax = 64
/** Longer strings and arrays are not written: a grammar counts. */
const countMax = 16_384

/**
 * The grammar of the JSON texts that a schema allows: each of them parses and validates. What a
 * grammar cannot keep to is refused, never left out. Not every text that validates can be written:
 * keys come in the order of the schema, none are added where additionalProperties is left out, and
 * numbers have at most 15 or 16 digits.
 * @param at the schema's own path, where errors begin theirs
 * @throws InvalidSchemaError
 */
export function schemaGrammar(schema: unknown, at = 'schema'): string {
  return new SchemaCompiler(copyOf(schema, at), at).compile()
}

/** Any JSON object. */
export function jsonGrammar(): string {
  const rules = new Rules()
  rules.define('root', anyJson(rules).object)
  return rules.text()
}

/** As JSON has it: no getters, no classes, no circles. */
export function copyOf(schema: unknown, at: string): unknown {
  let text: string
  try {
    text = jsonOf(schema, bytesMax)
  } catch (cause) {
    if (!(cause instanceof NotJsonError)) throw cause
    const path = `${at}${cause.path}`
    throw new InvalidSchemaError(`'${path}': ${cause.message}.`, path, { cause })
  }
  const bytes = Buffer.byteLength(text)
  if (bytes > bytesMax) refuse(at, `at most ${bytesMax} bytes of JSON`, bytes)
  return JSON.parse(text)
}

/** A schema with where it stands. */
export interface Located {
  readonly schema: unknown
  readonly path: string
}

export interface CompilerOptions {
  /** Default: JSON. */
  readonly notation?: Notation
  /** What the names of rules begin with. */
  readonly prefix?: string
  /** What cannot be kept to is left out, in the smallest part of the schema that holds it. */
  readonly isLenient?: boolean
  readonly budget?: Budget | undefined
}

export class SchemaCompiler {
  readonly rules: Rules
  readonly #root: Located
  readonly #references: References
  readonly #patterns = new Map<string, WrittenPattern>()
  readonly #isLenient: boolean
  #visits = 0

  constructor(schema: unknown, at: string, options: CompilerOptions = {}) {
    this.rules = new Rules(options.notation, options.prefix, options.budget)
    this.#root = { schema, path: at }
    this.#references = new References(schema, at)
    this.#isLenient = options.isLenient ?? false
  }

  compile(): string {
    return this.within(({ schema, path }) => {
      const root = this.visit(schema, path, 0)
      if (root === undefined) refuse(path, 'a schema that allows something', schema)
      this.rules.define('root', root)
      return this.rules.text()
    })
  }

  /** What `use` makes of the whole schema, within the limits of a grammar. */
  within<Made>(use: (root: Located) => Made): Made {
    try {
      return use(this.#root)
    } catch (error) {
      if (!(error instanceof RangeError)) throw error
      const { path } = this.#root
      throw new InvalidSchemaError(`'${path}': expected less: ${error.message}.`, path)
    }
  }

  /** The rule of what a schema allows; undefined where that is nothing. */
  visit(schema: unknown, path: string, depth: number): string | undefined {
    return this.#held(schema, typeNames, () => this.#visit(schema, path, depth))
  }

  /** The rule of what of some types a schema allows; undefined where that is nothing. */
  visitAs(types: readonly TypeName[], schema: unknown, path: string): string | undefined {
    return this.#held(schema, types, () => {
      const flat = this.flat(schema, path)
      if (flat === undefined) return undefined
      const said = valuesOf(flat) === undefined ? typesOf(flat, path) : undefined
      const both = said === undefined ? types : types.filter((type) => isAmong(type, said))
      const typed = both.length === 0 ? undefined : this.#merge(flat, { type: both }, path)
      return typed && this.#alternatives(typed, path, 0)
    })
  }

  /** A schema with what its $ref and allOf say; undefined where nothing can be all of it. */
  flat(schema: unknown, path: string): SchemaObject | undefined {
    return this.#flatten({ schema, path }, [])
  }

  /** Where it is lenient, and `visit` refuses: any value of the types that the schema names. */
  #held(
    schema: unknown,
    types: readonly TypeName[],
    visit: () => string | undefined,
  ): string | undefined {
    try {
      return visit()
    } catch (error) {
      if (!this.#isLenient || !(error instanceof InvalidSchemaError)) throw error
      const said = isObject(schema) ? schema.type : undefined
      const own = said === undefined ? typeNames : ([said].flat() as TypeName[])
      const both = types.filter((type) => isAmong(type, own))
      if (both.length === 0) return undefined
      return this.rules.oneOf(both.map((type) => anyOfType(this.rules, type)))
    }
  }

  #visit(schema: unknown, path: string, depth: number): string | undefined {
    this.#count(path, depth)
    if (schema === true) return anyJson(this.rules).value
    if (schema === false) return undefined
    if (!isObject(schema)) refuse(path, 'a schema: an object, or true', schema)
    const target = this.#references.targetOf(constraintsOf(schema), path)
    if (target !== undefined) {
      return this.#references.rule(target, this.rules, () =>
        this.visit(target.schema, target.path, 0),
      )
    }
    const flat = this.#flatten({ schema, path }, [])
    return flat === undefined ? undefined : this.#alternatives(flat, path, depth)
  }

  #count(path: string, depth: number): void {
    if (depth > depthMax) refuse(path, `schemas nested at most ${depthMax} deep`, 'more')
    if (++this.#visits > visitsMax)
      refuse(path, `at most ${visitsMax} schemas, $ref and all`, 'more')
  }

  #flatten({ schema, path }: Located, met: readonly string[]): SchemaObject | undefined {
    if (met.length > 0) this.#count(path, met.length)
    if (schema === true) return {}
    if (schema === false) return undefined
    if (!isObject(schema)) refuse(path, 'a schema: an object, or true', schema)
    this.rules.count(8 + 6 * weightOf(schema))
    if (!this.#isLenient) checkKeywords(schema, path)
    const { $ref, allOf, ...own } = constraintsOf(this.#isLenient ? keptOf(schema) : schema)
    const parts: Located[] = []
    if (allOf !== undefined) {
      const list = listOf(schema, 'allOf', path)
      if (list.length > allOfMax) refuse(`${path}.allOf`, `at most ${allOfMax} schemas`, list)
      parts.push(...list.map((part, i) => ({ schema: part, path: `${path}.allOf[${i}]` })))
    }
    if ($ref !== undefined) parts.push(this.#references.resolve($ref, `${path}.$ref`))
    let flat: SchemaObject | undefined = own
    for (const part of parts) {
      if (met.includes(part.path))
        refuse(path, 'a $ref to something else than itself', $ref ?? allOf)
      const more = this.#flatten(part, [...met, part.path])
      if (flat === undefined || more === undefined) flat = undefined
      else flat = this.#merge(flat, more, path)
    }
    return flat
  }

  #merge(a: SchemaObject, b: SchemaObject, path: string): SchemaObject | undefined {
    this.rules.count(12 * (weightOf(a) + weightOf(b)))
    return merge(a, b, path)
  }

  #alternatives(flat: SchemaObject, path: string, depth: number): string | undefined {
    const keyword = flat.anyOf === undefined ? 'oneOf' : 'anyOf'
    if (flat[keyword] === undefined) return this.#typed(flat, path, depth)
    const { [keyword]: _, ...base } = flat
    const isAlone = Object.keys(base).length === 0
    const list = listOf(flat, keyword, path)
    const parts = list.map((part) => (isAlone ? part : { allOf: [base, part] }))
    if (keyword === 'oneOf' && !this.#isLenient) this.#demandApart(parts, `${path}.oneOf`)
    const choices = parts.flatMap((part, i) => {
      return this.visit(part, `${path}.${keyword}[${i}]`, depth + 1) ?? []
    })
    return choices.length === 0 ? undefined : this.rules.oneOf(choices)
  }

  /** Of oneOf exactly one may hold: what is written for one must never be another's too. */
  #demandApart(parts: readonly unknown[], path: string): void {
    if (parts.length > 256) refuse(path, 'at most 256 alternatives', parts)
    const resolve = (schema: unknown) => this.#flatten({ schema, path }, [])
    const shapes = parts.map((schema) => {
      const flat = resolve(schema)
      return flat && shapeOf(flat, path, resolve)
    })
    const extents = shapes.map((shape) => (shape === undefined ? 1 : extentOf(shape)))
    shapes.forEach((shape, i) => {
      // With each of those before it.
      this.rules.count(extents.slice(0, i).reduce((sum, one) => sum + one, 0))
      const isNear = (one: typeof shape) => shape && one && !areApart(shape, one)
      const other = shapes.slice(0, i).findIndex(isNear)
      if (other < 0) return
      const why = `alternatives that never hold together (${other} and ${i} may); use anyOf`
      refuse(path, why, parts)
    })
  }

  #typed(flat: SchemaObject, path: string, depth: number): string | undefined {
    const types = typesOf(flat, path)
    const values = valuesOf(flat)
    if (values !== undefined) {
      if (!Object.hasOwn(flat, 'const')) listOf(flat, 'enum', path)
      const { notation } = this.rules
      const texts = fittingValues(values, flat, types, path).flatMap((one) => {
        return notation.value(one) ?? []
      })
      return texts.length === 0 ? undefined : oneOfTexts(this.rules, texts)
    }
    if (flat.enum !== undefined) refuse(`${path}.enum`, 'an array of at least one value', flat.enum)
    if (types === undefined) return anyJson(this.rules).value
    const choices = types.flatMap((type) => this.#ofType(type, flat, path, depth) ?? [])
    return choices.length === 0 ? undefined : this.rules.oneOf(choices)
  }

  #ofType(type: TypeName, flat: SchemaObject, path: string, depth: number): string | undefined {
    switch (type) {
      case 'null':
        return this.rules.add('"null"')
      case 'boolean':
        return anyBoolean(this.rules)
      case 'integer':
      case 'number':
        return this.#number(flat, path, type === 'integer' || flat.multipleOf === 1)
      case 'string':
        return this.#string(flat, path)
      case 'array':
        return this.#array(flat, path, depth)
      case 'object':
        return objectRule(this, flat, path, depth)
    }
  }

  #number(flat: SchemaObject, path: string, isWhole: boolean): string | undefined {
    const given = {
      min: numberOf(flat, 'minimum', path),
      max: numberOf(flat, 'maximum', path),
      above: numberOf(flat, 'exclusiveMinimum', path),
      below: numberOf(flat, 'exclusiveMaximum', path),
    }
    const is32 = flat.format === 'int32'
    const isFree = Object.values(given).every((value) => value === undefined)
    if (isFree && !is32) return isWhole ? anyInteger(this.rules) : anyNumber(this.rules)
    const bounds = isWhole ? wholeBounds(given, is32) : bothBounds(given)
    for (const bound of [bounds.min, bounds.max]) {
      if (bound === undefined || isUsableBound(bound, isWhole)) continue
      const digits = isWhole
        ? 'bounds that JavaScript holds exactly'
        : 'bounds of at most 15 digits'
      refuse(path, digits, bound)
    }
    const { min = Number.NEGATIVE_INFINITY, max = Number.POSITIVE_INFINITY } = bounds
    if (min > max) return undefined
    return boundedNumber(this.rules, bounds, isWhole) || undefined
  }

  #string(flat: SchemaObject, path: string): string | undefined {
    const { rules } = this
    const min = countOf(flat, 'minLength', 0, path)
    const max = countOf(flat, 'maxLength', Number.POSITIVE_INFINITY, path)
    if (min > max) return undefined
    const format = ownOf(formats, flat.format as string)
    if (flat.pattern !== undefined) return this.#pattern(flat, path, [min, max])
    if (format !== undefined) {
      const isBounded = min > 0 || max !== Number.POSITIVE_INFINITY
      if (isBounded) refuse(`${path}.format`, 'no minLength or maxLength beside it', flat.format)
      return quoted(rules, rules.add(format))
    }
    if (min > countMax) refuse(`${path}.minLength`, `at most ${countMax}`, min)
    if (min === 0 && max === Number.POSITIVE_INFINITY) return anyString(rules)
    const most = max === Number.POSITIVE_INFINITY ? max : Math.min(max, countMax)
    return quoted(rules, rules.repeat(stringCharacter(rules), min, most))
  }

  #pattern(flat: SchemaObject, path: string, [least, most]: [number, number]): string {
    const { pattern, format } = flat
    const at = `${path}.pattern`
    if (typeof pattern !== 'string') refuse(at, 'a string', pattern)
    if (format !== undefined) refuse(at, 'no pattern beside format; use one of them', pattern)
    try {
      const { rule, min, max } = this.#written(pattern)
      if (min < least || max > most) {
        refuse(at, 'a pattern of texts as long as minLength and maxLength say', pattern)
      }
      return quoted(this.rules, rule)
    } catch (error) {
      if (!(error instanceof PatternError)) throw error
      return refuse(at, `a pattern that a grammar can say: ${error.message}`, pattern)
    }
  }

  /** Once for each text: there may be many a $ref to it. */
  #written(pattern: string): WrittenPattern {
    const known = this.#patterns.get(pattern)
    if (known !== undefined) return known
    this.rules.count(20 * pattern.length)
    const parsed = parsePattern(pattern)
    const [min, max] = lengthsOf(parsed)
    const written = { rule: new PatternRules(this.rules).rule(parsed), min, max }
    this.#patterns.set(pattern, written)
    return written
  }

  #array(flat: SchemaObject, path: string, depth: number): string | undefined {
    const { rules } = this
    // Earlier drafts had the list in "items", and what follows it in "additionalItems".
    const isOld = Array.isArray(flat.items)
    const first = isOld ? 'items' : 'prefixItems'
    const others = isOld ? 'additionalItems' : 'items'
    const list = flat[first] === undefined ? [] : listOf(flat, first, path)
    const min = countOf(flat, 'minItems', 0, path)
    const max = countOf(flat, 'maxItems', Number.POSITIVE_INFINITY, path)
    if (min > max) return undefined
    if (min > countMax) refuse(`${path}.minItems`, `at most ${countMax}`, min)
    const ws = whitespace(rules)
    const prefix = list.slice(0, max).map((item, i) => {
      return this.visit(item, `${path}.${first}[${i}]`, depth + 1)
    })
    // What may follow a list that was given is written only where it must be.
    const isWanted = list.length === 0 || flat[others] !== undefined || min > list.length
    const item = isWanted
      ? this.visit(flat[others] ?? true, `${path}.${others}`, depth + 1)
      : undefined
    const isCut = prefix.indexOf(undefined)
    if (isCut >= 0) prefix.length = isCut
    const least = Math.max(0, min - prefix.length)
    const isOver = item === undefined || isCut >= 0
    if (isOver && least > 0) return undefined
    const most = isOver ? 0 : Math.min(max, Math.max(countMax, min)) - prefix.length
    const parts = prefix.map((rule, i) => (i === 0 ? rule : `"," ${ws} ${rule}`))
    const rest = this.#items(
      item,
      prefix.length > 0,
      least,
      Number.isFinite(max) ? most : max,
      isOver,
    )
    return rules.add(`"[" ${ws} ${[...parts, rest].join(' ')} ${ws} "]"`)
  }

  #items(
    item: string | undefined,
    isBegun: boolean,
    min: number,
    max: number,
    isOver: boolean,
  ): string {
    const { rules } = this
    if (item === undefined || isOver || max <= 0) return '""'
    const next = rules.add(`"," ${whitespace(rules)} ${item}`)
    if (isBegun) return rules.repeat(next, min, max)
    const all = rules.add(`${item} ${rules.repeat(next, Math.max(0, min - 1), max - 1)}`)
    return min === 0 ? `${all}?` : all
  }
}

function isAmong(type: TypeName, types: readonly TypeName[]): boolean {
  return types.some((one) => overlap(one, type))
}

/** A pattern's rule, and how many characters its texts have. */
interface WrittenPattern {
  rule: string
  min: number
  max: number
}

interface GivenBounds {
  min: number | undefined
  max: number | undefined
  above: number | undefined
  below: number | undefined
}

function wholeBounds({ min, max, above, below }: GivenBounds, is32: boolean): Bounds {
  const least = [
    min,
    above === undefined ? undefined : Math.floor(above) + 1,
    is32 ? -(2 ** 31) : undefined,
  ]
  const most = [
    max,
    below === undefined ? undefined : Math.ceil(below) - 1,
    is32 ? 2 ** 31 - 1 : undefined,
  ]
  const given = (values: (number | undefined)[]) => values.filter((value) => value !== undefined)
  const bounds: Bounds = {}
  // Beyond what JavaScript holds exactly no number is written: such a bound changes nothing.
  const low = Math.ceil(Math.max(...given(least)))
  const high = Math.floor(Math.min(...given(most)))
  if (low >= Number.MIN_SAFE_INTEGER) bounds.min = low
  if (high <= Number.MAX_SAFE_INTEGER) bounds.max = high
  return bounds
}

function bothBounds({ min, max, above, below }: GivenBounds): Bounds {
  const bounds: Bounds = {}
  if (min !== undefined) bounds.min = min
  if (max !== undefined) bounds.max = max
  if (above !== undefined && above >= (min ?? Number.NEGATIVE_INFINITY)) {
    Object.assign(bounds, { min: above, aboveMin: true })
  }
  if (below !== undefined && below <= (max ?? Number.POSITIVE_INFINITY)) {
    Object.assign(bounds, { max: below, belowMax: true })
  }
  return bounds
}
