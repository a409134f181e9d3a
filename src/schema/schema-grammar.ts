import { InvalidSchemaError } from '../api/errors.js'
import { arrayRule } from './arrays.js'
import type { Compiler } from './compiler.js'
import { jsonOf, NotJsonError } from './json-of.js'
import { boundedNumber, MultiplesError, usableBounds } from './numbers.js'
import { objectRule } from './objects.js'
import { type Choice, opposites, patternOfTexts, plainKeywords } from './reading/conditions.js'
import { costOf } from './reading/cost.js'
import {
  constraintsOf,
  countOf,
  isObject,
  type Located,
  listOf,
  numberOf,
  overlap,
  refuse,
  type SchemaObject,
  type TypeName,
  typeNames,
  typesOf,
} from './reading/keywords.js'
import { merge, valuesOf } from './reading/merge.js'
import { areApart, extentOf, type Shape, shapeOf } from './reading/one-of.js'
import { References } from './reading/references.js'
import { PatternError } from './strings/pattern.js'
import { type StringLimits, StringRules } from './strings/string-rules.js'
import { fittingValues, oneOfTexts } from './values.js'
import {
  anyBoolean,
  anyInteger,
  anyJson,
  anyNumber,
  anyOfType,
  anyString,
  canWrite,
  characterOf,
  quoted,
  stringCharacter,
} from './writing/json-text.js'
import { otherKey } from './writing/keys.js'
import type { Notation } from './writing/notation.js'
import { common } from './writing/ranges.js'
import { type Budget, characterClass, Rules } from './writing/rules.js'

const bytesMax = 256 * 1024
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

/** Of schemas in schemas whose opposites are looked for. */
const negationsMax = 16
/** Whole numbers that are looked at one by one. */
const listedMax = 64

/** What was left out where a compiler is lenient. */
interface Note {
  readonly path: string
  readonly message: string
}

interface CompilerOptions {
  /** Default: JSON. */
  readonly notation?: Notation
  /** What the names of rules begin with. */
  readonly prefix?: string
  /** What cannot be kept to is left out, in the smallest part of the schema that holds it. */
  readonly isLenient?: boolean
  /** Is told what was left out. */
  readonly onNote?: ((note: Note) => void) | undefined
  readonly budget?: Budget | undefined
}

export class SchemaCompiler implements Compiler {
  readonly rules: Rules
  readonly #root: Located
  readonly #references: References
  readonly #strings: StringRules
  readonly #keys: StringRules
  readonly #isLenient: boolean
  readonly #onNote: (note: Note) => void
  #visits = 0
  #negations = 0
  /** Schemas that say what must not be: what only they name is not evaluated by them. */
  readonly #denials = new WeakSet<object>()

  constructor(schema: unknown, at: string, options: CompilerOptions = {}) {
    this.rules = new Rules(options.notation, options.prefix, options.budget)
    this.#root = { schema, path: at }
    this.#references = new References(schema, at, (work) => this.rules.count(work))
    this.#isLenient = options.isLenient ?? false
    this.#onNote = options.onNote ?? (() => undefined)
    const { keyCharacters } = this.rules.notation
    this.#strings = new StringRules(this.rules, {
      any: () => stringCharacter(this.rules),
      canWrite: (ranges) => canWrite(this.rules, ranges),
      one: (ranges) => characterOf(this.rules, ranges),
    })
    this.#keys = new StringRules(this.rules, {
      any: () => this.rules.add(characterClass(keyCharacters)),
      canWrite: (ranges) => common(ranges, keyCharacters).length > 0,
      one: (ranges) => {
        const some = common(ranges, keyCharacters)
        return some.length === 0 ? '' : this.rules.add(characterClass(some))
      },
    })
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

  visit(schema: unknown, path: string, depth: number): string | undefined {
    return this.#leniently(schema, typeNames, () => this.#visit(schema, path, depth))
  }

  /** The rule of what of some types a schema allows; undefined where that is nothing. */
  visitAs(types: readonly TypeName[], schema: unknown, path: string): string | undefined {
    return this.#leniently(schema, types, () => {
      const flat = this.flat(schema, path)
      if (flat === undefined) return undefined
      const isOpen = valuesOf(flat) !== undefined || flat.choices !== undefined
      const said = isOpen && flat.type === undefined ? undefined : typesOf(flat, path)
      const both = said === undefined ? types : types.filter((type) => isAmong(type, said))
      const typed = both.length === 0 ? undefined : this.#merge(flat, { type: both }, path)
      return typed && this.#alternatives(typed, path, 0)
    })
  }

  flat(schema: unknown, path: string): SchemaObject | undefined {
    return this.#flatten({ schema, path }, [])
  }

  cannot(path: string, expected: string, value: unknown): void {
    if (!this.#isLenient) refuse(path, expected, value)
    this.#onNote({ path, message: `expected ${expected}` })
  }

  negate(schema: unknown, path: string): unknown[] | undefined {
    if (schema === true) return []
    if (this.#negations >= negationsMax) return undefined
    this.#negations++
    try {
      const flat = this.flat(schema, path)
      if (flat === undefined) return [true]
      const found = opposites(flat, path, (one, at) => this.negate(one, at))
      for (const one of found ?? []) if (isObject(one)) this.#denials.add(one)
      return found
    } finally {
      this.#negations--
    }
  }

  shape(schema: unknown, path: string): Shape | undefined {
    const flat = this.flat(schema, path)
    return flat && shapeOf(flat, path, (one) => this.flat(one, path))
  }

  valuesOf(schema: unknown, path: string): readonly unknown[] | undefined {
    const flat = this.flat(schema, path)
    if (flat === undefined) return []
    const [choice, ...others] = (flat.choices ?? []) as readonly Choice[]
    const isAlone = Object.keys(flat).length === 1 && others.length === 0
    if (choice !== undefined) {
      const lists = isAlone
        ? choice.parts.map((part) => this.valuesOf(part.schema, part.path))
        : [undefined]
      return lists.includes(undefined) ? undefined : lists.flatMap((values) => values ?? [])
    }
    const values = valuesOf(flat) ?? this.#listed(flat, path)
    return values && fittingValues(values, flat, path, this)
  }

  stringLimits(flat: SchemaObject, path: string): StringLimits {
    return {
      min: countOf(flat, 'minLength', 0, path),
      max: countOf(flat, 'maxLength', Number.POSITIVE_INFINITY, path),
      patterns: (flat.pattern ?? []) as readonly string[],
      notPatterns: (flat.notPattern ?? []) as readonly string[],
      formats: (flat.format ?? []) as readonly string[],
    }
  }

  allowsText(flat: SchemaObject, path: string, text: string): boolean {
    const limits = this.stringLimits(flat, path)
    return this.#limited(limits, path, (given) => this.#strings.allows(given, text))
  }

  matches(pattern: string, text: string, path: string): boolean {
    const limits = { ...noLimits, patterns: [pattern] }
    return this.#limited(limits, path, (given) => this.#strings.allows(given, text))
  }

  key(limits: StringLimits, keys: readonly string[], path: string): string | undefined {
    const { hasEmptyKey } = this.rules.notation
    const isFree = limits.min === 0 && limits.max === Number.POSITIVE_INFINITY
    const { patterns, notPatterns, formats } = limits
    if (isFree && patterns.length + notPatterns.length + formats.length === 0) {
      return otherKey(this.rules, keys)
    }
    const taken = hasEmptyKey ? keys : ['', ...keys]
    const others = taken.length === 0 ? [] : [patternOfTexts(taken)]
    const content = this.#limited(
      { ...limits, notPatterns: [...notPatterns, ...others] },
      path,
      (given) => this.#keys.content(given),
    )
    return content && (hasEmptyKey ? quoted(this.rules, content) : content)
  }

  /** What `visit` writes; where that is refused and it is lenient, any value of its types. */
  #leniently(
    schema: unknown,
    types: readonly TypeName[],
    visit: () => string | undefined,
  ): string | undefined {
    try {
      return visit()
    } catch (error) {
      if (!this.#isLenient || !(error instanceof InvalidSchemaError)) throw error
      this.#onNote({ path: error.path, message: error.message })
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
    this.rules.count(8 + 6 * costOf(schema))
    const { $ref, $dynamicRef, $recursiveRef, allOf, ...own } = constraintsOf(schema)
    const parts: Located[] = []
    if (allOf !== undefined) {
      const list = listOf(schema, 'allOf', path)
      if (list.length > allOfMax) refuse(`${path}.allOf`, `at most ${allOfMax} schemas`, list)
      parts.push(...list.map((part, i) => ({ schema: part, path: `${path}.allOf[${i}]` })))
    }
    for (const [keyword, ref] of Object.entries({ $ref, $dynamicRef, $recursiveRef })) {
      if (ref !== undefined) parts.push(this.#references.resolve(ref, `${path}.${keyword}`))
    }
    const hasOthers = parts.length + Object.keys(own).length > 1
    let flat = plainKeywords(own, path, this)
    for (const part of parts) {
      if (met.includes(part.path))
        refuse(path, 'a $ref to something else than itself', $ref ?? allOf)
      const more = this.#flatten(part, [...met, part.path])
      if (flat === undefined || more === undefined) flat = undefined
      else flat = this.#merge(flat, hasOthers ? closedOf(more) : more, path)
    }
    return flat
  }

  #merge(a: SchemaObject, b: SchemaObject, path: string): SchemaObject | undefined {
    this.rules.count(12 * (costOf(a) + costOf(b)))
    return merge(a, b, path)
  }

  #alternatives(flat: SchemaObject, path: string, depth: number): string | undefined {
    const choices = (flat.choices ?? []) as readonly Choice[]
    // Denials last: they depend on which properties all others know.
    const choice = choices.find(({ parts }) => !this.#areDenials(parts)) ?? choices[0]
    if (choice === undefined) return this.#typed(flat, path, depth)
    const others = choices.filter((other) => other !== choice)
    const { choices: _, ...own } = flat
    const base: SchemaObject = others.length === 0 ? own : { ...own, choices: others }
    const parts = choice.isOne && !this.#isLenient ? this.#setApart(base, choice) : choice.parts
    const rules = parts.flatMap((part) => this.#both(base, part, depth + 1) ?? [])
    if (rules.length === 0 && parts !== choice.parts) {
      refuse(choice.path, 'alternatives that never hold together; use anyOf', choice.parts)
    }
    return rules.length === 0 ? undefined : this.rules.oneOf(rules)
  }

  /** What both a plain schema and one of its alternatives allow. */
  #both(base: SchemaObject, { schema, path }: Located, depth: number): string | undefined {
    if (Object.keys(base).length === 0) return this.visit(schema, path, depth)
    return this.#leniently(schema, typeNames, () => {
      this.#count(path, depth)
      const more = this.#flatten({ schema, path }, [])
      if (more === undefined) return undefined
      const isDenial = this.#areDenials([{ schema, path }])
      const merged = this.#merge(base, isDenial ? unknownOf(more, base) : closedOf(more), path)
      return merged && this.#alternatives(merged, path, depth)
    })
  }

  #areDenials(parts: readonly Located[]): boolean {
    return parts.some(({ schema }) => isObject(schema) && this.#denials.has(schema))
  }

  /**
   * Of oneOf exactly one may hold: what is written for one must never be another's too. So each
   * is kept from those that it may meet.
   */
  #setApart(base: SchemaObject, { parts, path }: Choice): readonly Located[] {
    if (parts.length > 256) refuse(path, 'at most 256 alternatives', parts)
    const shapes = parts.map((part) => {
      const own = this.#flatten(part, [])
      const hasOthers = Object.keys(base).length > 0
      const flat = own && this.#merge(base, hasOthers ? closedOf(own) : own, path)
      return flat && shapeOf(flat, path, (schema) => this.flat(schema, path))
    })
    const extents = shapes.map((shape) => (shape === undefined ? 1 : extentOf(shape)))
    const near = parts.map((): Located[] => [])
    shapes.forEach((shape, i) => {
      // With each of those before it.
      this.rules.count(extents.slice(0, i).reduce((sum, one) => sum + one, 0))
      for (const [j, other] of shapes.slice(0, i).entries()) {
        if (shape === undefined || other === undefined || areApart(shape, other)) continue
        near[i]?.push(parts[j] as Located)
        near[j]?.push(parts[i] as Located)
      }
    })
    if (near.every((others) => others.length === 0)) return parts
    return parts.map(({ schema, path: at }, i) => {
      const others = (near[i] as Located[]).map((other) => {
        const negated = this.negate(other.schema, other.path)
        if (negated === undefined) {
          const met = parts.indexOf(other)
          const [a, b] = [Math.min(i, met), Math.max(i, met)]
          const why = `alternatives that never hold together (${a} and ${b} may); use anyOf`
          refuse(path, why, parts)
        }
        return { anyOf: negated.length === 0 ? [false] : negated }
      })
      return { schema: others.length === 0 ? schema : { allOf: [schema, ...others] }, path: at }
    })
  }

  #typed(flat: SchemaObject, path: string, depth: number): string | undefined {
    const types = typesOf(flat, path)
    const values = valuesOf(flat)
    if (values !== undefined) {
      if (!Object.hasOwn(flat, 'const')) listOf(flat, 'enum', path)
      const { notation } = this.rules
      const texts = fittingValues(values, flat, path, this).flatMap((one) => {
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
        return this.#number(flat, path, type === 'integer' || flat.isWhole === true)
      case 'string':
        return this.#string(flat, path)
      case 'array':
        return arrayRule(this, flat, path, depth)
      case 'object':
        return objectRule(this, flat, path, depth)
    }
  }

  #number(flat: SchemaObject, path: string, isOfWholes: boolean): string | undefined {
    const multipleOf = numberOf(flat, 'multipleOf', path)
    if (multipleOf !== undefined && !(multipleOf > 0)) {
      refuse(`${path}.multipleOf`, 'a number above 0', multipleOf)
    }
    const isWhole = isOfWholes || Number.isInteger(multipleOf)
    const bounds = usableBounds(
      {
        min: numberOf(flat, 'minimum', path),
        max: numberOf(flat, 'maximum', path),
        above: numberOf(flat, 'exclusiveMinimum', path),
        below: numberOf(flat, 'exclusiveMaximum', path),
      },
      isWhole,
    )
    if (bounds === undefined) return undefined
    const isFree = multipleOf === undefined || (isWhole && multipleOf === 1)
    // Numbers without bounds have exponents; beyond any bound, these would be.
    const hasBounds = ['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum'].some(
      (keyword) => flat[keyword] !== undefined,
    )
    if (isFree && !hasBounds) {
      return isWhole ? anyInteger(this.rules) : anyNumber(this.rules)
    }
    const step = isFree ? {} : { multipleOf }
    try {
      return boundedNumber(this.rules, { ...bounds, ...step }, isWhole) || undefined
    } catch (error) {
      if (!(error instanceof MultiplesError)) throw error
      this.cannot(`${path}.multipleOf`, error.message, multipleOf)
      const { multipleOf: _, ...others } = flat
      return this.#number(others, path, isWhole)
    }
  }

  #string(flat: SchemaObject, path: string): string | undefined {
    const limits = this.stringLimits(flat, path)
    const { min, max, patterns, notPatterns, formats } = limits
    if (min > max) return undefined
    if (min > countMax) refuse(`${path}.minLength`, `at most ${countMax}`, min)
    const isLimited = patterns.length + notPatterns.length + formats.length > 0
    if (!isLimited && min === 0 && max === Number.POSITIVE_INFINITY) return anyString(this.rules)
    const content = this.#limited(limits, path, (given) => this.#strings.content(given))
    if (content === undefined && notPatterns.length === 0 && isLimited) {
      const keyword = patterns.length > 0 ? 'pattern' : 'format'
      const wanted = 'one that some text has which is written here, with all that stands beside it'
      this.cannot(`${path}.${keyword}`, wanted, flat[keyword])
      return anyString(this.rules)
    }
    return content && quoted(this.rules, content)
  }

  /** Uses limits of strings; where it is lenient, without those that no automaton keeps to. */
  #limited<Made>(limits: StringLimits, path: string, use: (limits: StringLimits) => Made): Made {
    try {
      return use(limits)
    } catch (error) {
      if (!(error instanceof PatternError)) throw error
      const { patterns, notPatterns, formats, ...lengths } = limits
      const isOfPattern = patterns.length + notPatterns.length > 0
      const at = /[pP]atternProperties|propertyNames/.test(path)
        ? path
        : `${path}.${isOfPattern ? 'pattern' : 'format'}`
      const said = isOfPattern ? [...patterns, ...notPatterns] : formats
      const value = said.length === 1 ? said[0] : said
      this.cannot(at, `a pattern that a grammar can say (${error.message})`, value)
      if (!isOfPattern) return use({ ...noLimits, ...lengths })
      const others = { ...limits, patterns: [], notPatterns: [] }
      return this.#limited(others, path, use)
    }
  }

  /** Of types with few values, all of them. */
  #listed(flat: SchemaObject, path: string): readonly unknown[] | undefined {
    const lists = (typesOf(flat, path) ?? ['object']).map(
      (type): readonly unknown[] | undefined => {
        if (type === 'null') return [null]
        if (type === 'boolean') return [true, false]
        const { minimum: min, maximum: max } = flat
        const isWhole = type === 'integer' || (type === 'number' && flat.isWhole === true)
        if (!isWhole || typeof min !== 'number' || typeof max !== 'number') return undefined
        const first = Math.ceil(min)
        if (max - first >= listedMax || !Number.isSafeInteger(first)) return undefined
        return Array.from({ length: Math.floor(max) - first + 1 }, (_, i) => first + i)
      },
    )
    return lists.includes(undefined) ? undefined : lists.flatMap((values) => values ?? [])
  }
}

const noLimits: StringLimits = {
  min: 0,
  max: Number.POSITIVE_INFINITY,
  patterns: [],
  notPatterns: [],
  formats: [],
}

function isAmong(type: TypeName, types: readonly TypeName[]): boolean {
  return types.some((one) => overlap(one, type))
}

/**
 * A schema that stands beside others, in allOf or as an alternative: what these know of, it does
 * not, so that all it knows nothing of itself is as an additional property of its own.
 */
function closedOf(flat: SchemaObject): SchemaObject {
  const { unevaluatedProperties: others, ...rest } = flat
  if (others === undefined) return flat
  return { ...rest, additionalProperties: rest.additionalProperties ?? others }
}

/** Properties that only a denial names are unevaluated ones. */
function unknownOf(denial: SchemaObject, base: SchemaObject): SchemaObject {
  const { unevaluatedProperties: others, additionalProperties, properties: known } = base
  const { properties: denied } = denial
  if (others === undefined || additionalProperties !== undefined || !isObject(denied)) return denial
  const properties = Object.entries(denied).map(([key, schema]) => {
    const isKnown = isObject(known) && Object.hasOwn(known, key)
    return [key, isKnown || schema === false ? schema : { allOf: [schema, others] }]
  })
  return { ...denial, properties: Object.fromEntries(properties) }
}
