import { InvalidSchemaError } from '../api/errors.js'
import { type Property, propertiesOf } from './objects.js'
import type { Choice } from './reading/conditions.js'
import { isObject, refuse, type TypeName } from './reading/keywords.js'
import { SchemaCompiler } from './schema-grammar.js'
import { anyBoolean, anyJson, anyNumber, anyString } from './writing/json-text.js'
import { bareText, gemma, json } from './writing/notation.js'
import { type Budget, Rules } from './writing/rules.js'

/**
 * How the calls of a chat template are written: their arguments as one JSON object; each argument
 * between tags of its own; in Gemma 4's form; in a form that knows nothing of schemas; not at all.
 */
export type CallFormat = 'json' | 'tagged' | 'gemma' | 'other' | 'none'

/** What the arguments of a tool's calls are, as rules of GBNF. */
export interface ToolGrammar {
  readonly rules: string
  /** The rule of all arguments; '' where each has its own, or none. */
  readonly root: string
  /** Where each argument is written by itself. */
  readonly properties: readonly ToolProperty[]
}

interface ToolProperty {
  readonly name: string
  readonly isRequired: boolean
  /** JSON text of a schema that tells llama.cpp's parsers what kind of value this is. */
  readonly kind: string
  /** The rule of a value that is written as JSON, and that of one that is bare text; '' is any. */
  readonly json: string
  readonly text: string
}

interface ToolGrammarOptions {
  readonly format: CallFormat
  /** Refuses what cannot be kept to, which is otherwise left out. */
  readonly isStrict: boolean
  /** Of all tools of a request. */
  readonly budget?: Budget | undefined
}

export const noGrammar: ToolGrammar = { rules: '', root: '', properties: [] }

let serial = 0

/**
 * Takes a few ms for a schema of some KiB.
 * @param schema one that checkWellFormed() has seen
 * @param at the schema's own path, where errors begin theirs
 * @throws InvalidSchemaError for what no grammar keeps to, where it is strict
 */
export function toolGrammar(schema: unknown, at: string, options: ToolGrammarOptions): ToolGrammar {
  const prefix = `s${serial++}`
  switch (options.format) {
    case 'none':
      return noGrammar
    case 'json':
    case 'gemma':
      return wholeGrammar(schema, at, options, prefix)
    case 'tagged':
    case 'other':
      return new TaggedGrammar(schema, at, options, prefix).make()
  }
}

function wholeGrammar(
  schema: unknown,
  at: string,
  options: ToolGrammarOptions,
  prefix: string,
): ToolGrammar {
  const notation = options.format === 'gemma' ? gemma : json
  const { budget } = options
  const settings = { notation, prefix: `${prefix}r`, isLenient: !options.isStrict, budget }
  const compiler = new SchemaCompiler(schema, at, settings)
  try {
    return compiler.within(() => {
      const root = compiler.visitAs(['object'], schema, at)
      if (root === undefined) refuse(at, 'a schema that allows an object', schema)
      return { rules: compiler.rules.text(), root, properties: [] }
    })
  } catch (error) {
    if (options.isStrict || !(error instanceof InvalidSchemaError)) throw error
    const rules = new Rules(notation, `${prefix}r`)
    const root = anyJson(rules).object
    return { rules: rules.text(), root, properties: [] }
  }
}

/** llama.cpp's parser of such a call grows with their square. */
const argumentsMax = 256
const otherTypes: readonly TypeName[] = ['null', 'boolean', 'number', 'array', 'object']

class TaggedGrammar {
  readonly #schema: unknown
  readonly #at: string
  readonly #options: ToolGrammarOptions
  readonly #json: SchemaCompiler
  readonly #text: SchemaCompiler

  constructor(schema: unknown, at: string, options: ToolGrammarOptions, prefix: string) {
    const settings = { isLenient: !options.isStrict, budget: options.budget }
    this.#schema = schema
    this.#at = at
    this.#options = options
    this.#json = new SchemaCompiler(schema, at, { ...settings, prefix: `${prefix}r` })
    this.#text = new SchemaCompiler(schema, at, {
      ...settings,
      notation: bareText,
      prefix: `${prefix}t`,
    })
  }

  make(): ToolGrammar {
    const given = this.#properties()
    if (given.length > argumentsMax) {
      refuse(`${this.#at}.properties`, `at most ${argumentsMax} arguments of a tool`, given.length)
    }
    const properties = given.flatMap((one) => this.#property(one) ?? [])
    const isFree = this.#options.format === 'other'
    const rules = [this.#json, this.#text].map((one) => one.rules.text()).filter(Boolean)
    return { rules: isFree ? '' : rules.join('\n'), root: '', properties }
  }

  /** Those that stand in the schema itself: of alternatives at its root none is written. */
  #properties(): readonly Property[] {
    const [schema, at] = [this.#schema, this.#at]
    try {
      return this.#json.within(() => {
        const flat =
          this.#json.flat(schema, at) ?? refuse(at, 'a schema that allows an object', schema)
        const [choice] = (flat.choices ?? []) as readonly Choice[]
        const named = ['enum', 'const'].find((key) => Object.hasOwn(flat, key))
        const union = choice?.path ?? (named && `${at}.${named}`)
        if (union !== undefined && this.#options.isStrict) {
          refuse(union, "one object at the root of a tool's parameters", choice?.parts ?? flat)
        }
        return propertiesOf(flat, at, this.#json).properties
      })
    } catch (error) {
      if (this.#options.isStrict || !(error instanceof InvalidSchemaError)) throw error
      const { properties } = this.#schema as { properties?: unknown }
      return Object.keys(isObject(properties) ? properties : {}).map((key) => {
        return { key, schema: true, path: at, isRequired: false }
      })
    }
  }

  #property(property: Property): ToolProperty | undefined {
    const { key, path, schema, isRequired } = property
    if (!isTagName(key)) {
      if (this.#options.isStrict) refuse(path, 'a name that a tag can have', key)
      return undefined
    }
    const value = this.#value(schema, path)
    if (value === undefined && isRequired && this.#options.isStrict) {
      refuse(path, 'a schema that allows something', schema)
    }
    return value && { name: key, isRequired, ...value }
  }

  #value(schema: unknown, path: string): Value | undefined {
    try {
      const value = this.#json.within(() => this.#valueWithin(schema, path))
      const isFree = this.#options.format === 'other'
      return isFree && value !== undefined ? { ...value, json: '', text: '' } : value
    } catch (error) {
      if (this.#options.isStrict || !(error instanceof InvalidSchemaError)) throw error
      return anyValue
    }
  }

  #valueWithin(schema: unknown, path: string): Value | undefined {
    const json = (...types: TypeName[]) => this.#json.visitAs(types, schema, path)
    const text = this.#text.visitAs(['string'], schema, path)
    const others = json(...otherTypes)
    if (text === undefined && others === undefined) return undefined
    if (text === undefined) return { kind: kindOf('integer'), json: others ?? '', text: '' }
    const { rules } = this.#json
    const isFree = text === anyString(this.#text.rules)
    if (isFree && others === this.#json.visitAs(otherTypes, {}, path)) {
      return { ...anyValue, json: anyJson(rules).value }
    }
    // Text that looks like one of these is read as one: so any of them must be allowed.
    const types: TypeName[] = json('null') === undefined ? [] : ['null']
    if (json('boolean') === anyBoolean(rules)) types.push('boolean')
    if (json('number') === anyNumber(rules)) types.push('number')
    const rule = types.length === 0 ? undefined : json(...types)
    return { kind: kindOf('string', ...types), json: rule ?? '', text: isFree ? '' : text }
  }
}

type Value = Omit<ToolProperty, 'name' | 'isRequired'>

const anyValue: Value = { kind: '{}', json: '', text: '' }

function kindOf(...types: TypeName[]): string {
  return JSON.stringify({ type: types.length === 1 ? types[0] : types })
}

function isTagName(key: string): boolean {
  return /^[^<>"|\r\n]+$/.test(key) && key.trim() === key
}
