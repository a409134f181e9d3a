import { constraintsOf, isObject, ownOf, refuse, type SchemaObject, typeNames } from './keywords.js'
import { References, type Target } from './references.js'

const isString = (value: unknown) => typeof value === 'string'
const areStrings = (value: unknown) => Array.isArray(value) && value.every(isString)
const isFull = (value: unknown) => Array.isArray(value) && value.length > 0
const isTypeName = (value: unknown) => typeNames.some((name) => name === value)

/** Of one schema: a grammar is made of fewer, and to read more takes long. */
export const schemasMax = 10_000

/** What each kind of keyword must be, in words and as a test. */
export const keywordRules = {
  string: ['a string', isString],
  strings: ['an array of strings', areStrings],
  'strings by key': [
    'an object of arrays of strings',
    (value: unknown) => isObject(value) && Object.values(value).every(areStrings),
  ],
  boolean: ['true or false', (value: unknown) => typeof value === 'boolean'],
  type: [
    `${typeNames.join(', ')}, or an array of them`,
    (value: unknown) =>
      isTypeName(value) || (Array.isArray(value) && value.length > 0 && value.every(isTypeName)),
  ],
  enum: ['an array of at least one entry', isFull],
  schemas: ['an array of at least one entry', isFull],
  'schemas by key': ['an object', isObject],
  count: [
    'a whole number of 0 or more',
    (value: unknown) => Number.isInteger(value) && Number(value) >= 0,
  ],
  number: ['a number', (value: unknown) => typeof value === 'number'],
  // Draft 4 had true and false there.
  'exclusive number': [
    'a number',
    (value: unknown) => typeof value === 'number' || typeof value === 'boolean',
  ],
} satisfies Record<string, [expected: string, isIt: (value: unknown) => boolean]>

/**
 * What each keyword must be for a schema to be one at all. Whether a grammar can keep to it is
 * another question.
 */
export type KeywordKind = keyof typeof keywordRules | '$ref' | 'schema' | 'items'

export const keywordKinds: Readonly<Record<string, KeywordKind>> = {
  $ref: '$ref',
  $dynamicRef: '$ref',
  $recursiveRef: '$ref',
  type: 'type',
  enum: 'enum',
  minimum: 'number',
  maximum: 'number',
  exclusiveMinimum: 'exclusive number',
  exclusiveMaximum: 'exclusive number',
  multipleOf: 'number',
  minLength: 'count',
  maxLength: 'count',
  minItems: 'count',
  maxItems: 'count',
  minContains: 'count',
  maxContains: 'count',
  minProperties: 'count',
  maxProperties: 'count',
  pattern: 'string',
  format: 'string',
  uniqueItems: 'boolean',
  required: 'strings',
  dependentRequired: 'strings by key',
  items: 'items',
  prefixItems: 'schemas',
  anyOf: 'schemas',
  oneOf: 'schemas',
  allOf: 'schemas',
  not: 'schema',
  if: 'schema',
  else: 'schema',
  contains: 'schema',
  additionalItems: 'schema',
  additionalProperties: 'schema',
  propertyNames: 'schema',
  unevaluatedItems: 'schema',
  unevaluatedProperties: 'schema',
  properties: 'schemas by key',
  patternProperties: 'schemas by key',
  dependentSchemas: 'schemas by key',
}

/**
 * Reads what a schema is made of, with all that its $refs lead to.
 * @throws InvalidSchemaError for what is no JSON Schema
 */
export function checkWellFormed(schema: unknown, at: string): void {
  new Reader(schema, at).read(schema, at)
}

class Reader {
  readonly #references: References
  readonly #met = new Set<unknown>()

  constructor(schema: unknown, at: string) {
    this.#references = new References(schema, at)
  }

  /** Not by recursion: what $refs lead to may be deeper than the stack. */
  read(schema: unknown, path: string): void {
    const todo: Target[] = [{ schema, path }]
    for (let one = todo.pop(); one !== undefined; one = todo.pop()) {
      for (const below of this.#readOne(one).reverse()) todo.push(below)
    }
  }

  /** Reads one, and gives those that are in it. */
  #readOne({ schema, path }: Target): Target[] {
    if (typeof schema === 'boolean') return []
    if (!isObject(schema)) refuse(path, 'a schema: an object, true or false', schema)
    if (this.#met.has(schema)) return []
    this.#met.add(schema)
    if (this.#met.size > schemasMax) refuse(path, `at most ${schemasMax} schemas`, 'more')
    if (References.of(schema) !== undefined) {
      this.#references.targetOf(constraintsOf(schema), path)
    }
    return Object.keys(schema).flatMap((keyword) => {
      return this.#keyword(schema, keyword, `${path}.${keyword}`)
    })
  }

  #keyword(schema: SchemaObject, keyword: string, path: string): Target[] {
    const kind = ownOf(keywordKinds, keyword)
    if (kind === undefined) return []
    const value = schema[keyword]
    if (kind !== '$ref' && kind !== 'schema' && kind !== 'items') {
      const [expected, isIt] = keywordRules[kind]
      if (!isIt(value)) refuse(path, expected, value)
    }
    return this.#schemasOf(kind, value, path)
  }

  #schemasOf(kind: KeywordKind, value: unknown, path: string): Target[] {
    if (kind === '$ref') return [this.#references.resolve(value, path)]
    if (kind === 'schema') return [{ schema: value, path }]
    if (kind === 'schemas by key') {
      return Object.entries(value as SchemaObject).map(([key, schema]) => {
        return { schema, path: `${path}.${key}` }
      })
    }
    if (kind !== 'schemas' && kind !== 'items') return []
    if (!Array.isArray(value)) return [{ schema: value, path }]
    return value.map((schema, i) => ({ schema, path: `${path}[${i}]` }))
  }
}
