/** Schemas of every kind that structured output knows: some by hand, the others at random. */

import { Random } from '../models/random-weights.js'

export type Schema = Record<string, unknown>

const nothing = { type: 'null' }
const words = { type: 'string', maxLength: 12 }
const object = (properties: Schema, more: Schema = {}): Schema => ({
  type: 'object',
  properties,
  required: Object.keys(properties),
  additionalProperties: false,
  ...more,
})
const list = (items: unknown, maxItems = 3): Schema => ({ type: 'array', items, maxItems })

const scalars: Schema[] = [
  { type: 'null' },
  { type: 'boolean' },
  { type: 'integer' },
  { type: 'number' },
  { type: ['integer', 'null'] },
  { type: ['boolean', 'number', 'null'] },
  { type: 'integer', minimum: 0 },
  { type: 'integer', maximum: -1 },
  { type: 'integer', minimum: 3, maximum: 5 },
  { type: 'integer', minimum: 9, maximum: 1234 },
  { type: 'integer', minimum: -1234, maximum: 98 },
  { type: 'integer', exclusiveMinimum: 99, exclusiveMaximum: 1000 },
  { type: 'integer', minimum: 1.5, maximum: 2.5 },
  { type: 'integer', minimum: -9007199254740991, maximum: 9007199254740991 },
  { type: 'integer', minimum: 8999999999999999 },
  { type: 'integer', format: 'int32' },
  { type: 'number', multipleOf: 1, minimum: -20, maximum: 20 },
  { type: 'number', minimum: 0, maximum: 1 },
  { type: 'number', exclusiveMinimum: 0, exclusiveMaximum: 1 },
  { type: 'number', minimum: -273.15 },
  { type: 'number', maximum: -0.001 },
  { type: 'number', minimum: 1e-7, maximum: 2e-7 },
  { type: 'number', minimum: 99.95, maximum: 100.05 },
  { type: 'number', exclusiveMinimum: -0.5, maximum: 12345.678 },
  { minimum: 10, maximum: 20.5, type: ['number', 'string'], maxLength: 3 },
]

const strings: Schema[] = [
  { type: 'string', maxLength: 8 },
  { type: 'string', minLength: 5, maxLength: 5 },
  { type: 'string', minLength: 300, maxLength: 310 },
  { type: 'string', pattern: '^[a-z]{3,8}$' },
  { type: 'string', pattern: '^(\\+\\d{1,3} )?\\d{3}-\\d{4}$' },
  { type: 'string', pattern: '^[^a-z"]{2,6}$' },
  { type: 'string', pattern: '^.{1,6}$' },
  { type: 'string', pattern: '^"\\\\\\t[\\s\\w"\\\\]{1,4}$' },
  { type: 'string', pattern: '^(?:yes|no|may(be)?)!?$|^\\d{2}$' },
  { type: 'string', pattern: '^[äöü狐🦊]{2,5}\\u00df\\x41$' },
  { type: 'string', pattern: '^#([0-9a-f]{3}){1,2}$', minLength: 4, maxLength: 7 },
  { type: 'string', pattern: '^([A-Z][a-z]{1,4} ?)+?\\.$' },
  { type: 'string', pattern: '^\\S\\D\\W[\\]\\-a]$' },
  { type: 'string', pattern: '^(?<year>20\\d\\d)/(0[1-9]|1[0-2])$' },
  { type: 'string', pattern: '^a' },
  ...['date', 'time', 'date-time', 'duration', 'uuid', 'email', 'hostname', 'ipv4'].map(
    (format) => ({ type: 'string', format }),
  ),
  { type: 'string', format: 'ipv6' },
  { type: 'string', format: 'uri' },
]
const values: Schema[] = [
  { enum: ['red', 'amber', 'green'] },
  { enum: [1, 'one', null, true, [1, 2], { a: 'b' }] },
  { type: 'string', enum: ['a', 'ab', 'abc', 'b', 'ä"\\\n', '狐'] },
  { type: 'integer', enum: [1, 2, 'three', 4.5] },
  { enum: [1, 5, 10, 50], minimum: 5 },
  { enum: ['a', 'bb', 'ccc'], minLength: 2 },
  { const: 'always' },
  { const: { nested: [1, { deep: null }] } },
  { const: -1.5e-9 },
  { enum: Array.from({ length: 900 }, (_, i) => `word ${i * 37}`) },
]

const objects: Schema[] = [
  object({ name: words, age: { type: 'integer', minimum: 0, maximum: 130 } }),
  object({ a: words, b: words, c: words }, { required: ['b'] }),
  object({ a: { type: 'boolean' }, b: { type: 'null' } }, { required: [] }),
  object({}, { additionalProperties: false }),
  object({ ключ: { type: 'boolean' }, '狐 🦊': words, 'a"b\\c\n': { type: 'null' }, '': words }),
  object({ space: words, string: words, 'integral-part': { type: 'number' }, root: words }),
  object({ a_b: { enum: [1] }, 'a-b': { enum: [2] }, 'a.b': { enum: [3] } }),
  object({ toString: words, hasOwnProperty: { type: 'null' }, valueOf: { type: 'integer' } }),
  {
    type: 'object',
    properties: { a: words },
    required: ['a', 'extra'],
    additionalProperties: words,
  },
  { type: 'object', properties: { a: { type: 'null' } }, required: ['extra', 'a'] },
  { type: 'object', properties: { a: { type: 'null' } }, maxProperties: 1 },
  { type: 'object', properties: { a: words, b: words }, required: ['a'], minProperties: 1 },
  {
    type: 'object',
    propertyNames: { enum: ['x', 'y'] },
    additionalProperties: { type: 'boolean' },
  },
  { properties: { kind: { const: 'k' } }, required: ['kind'] },
  object({ deep: object({ deeper: object({ deepest: { type: 'boolean' } }) }) }),
  object(Object.fromEntries(Array.from({ length: 40 }, (_, i) => [`k${i}`, { type: 'boolean' }]))),
  object(Object.fromEntries(Array.from({ length: 40 }, (_, i) => [`o${i}`, { type: 'null' }])), {
    required: ['o7'],
  }),
  { type: 'object', unevaluatedProperties: false, properties: { only: { type: 'boolean' } } },
  // What stands beside a schema is not known within it.
  ...['anyOf', 'allOf', 'oneOf'].map((keyword) => {
    return closedBeside(keyword, [{ properties: { b: nothing }, unevaluatedProperties: false }])
  }),
  ...['anyOf', 'allOf'].map((keyword) => {
    return closedBeside(keyword, [
      { properties: { b: nothing }, required: ['b'], unevaluatedProperties: nothing },
      { properties: { c: { type: 'boolean' } } },
    ])
  }),
  {
    type: 'object',
    properties: { a: nothing },
    if: { required: ['a'] },
    // biome-ignore lint/suspicious/noThenProperty: it is JSON Schema's
    then: { properties: { b: nothing }, unevaluatedProperties: nothing },
  },
]

function closedBeside(keyword: string, parts: Schema[]): Schema {
  return { type: 'object', properties: { a: nothing }, [keyword]: parts }
}

const arrays: Schema[] = [
  list({ type: 'boolean' }),
  { type: 'array', items: { type: 'integer' }, minItems: 2, maxItems: 2 },
  { type: 'array', items: { type: 'null' }, minItems: 140, maxItems: 150 },
  { type: 'array', maxItems: 0 },
  { type: 'array', prefixItems: [words, { type: 'integer' }], items: false },
  { type: 'array', prefixItems: [{ const: 1 }], items: { const: 2 }, minItems: 3, maxItems: 5 },
  { type: 'array', prefixItems: [{ const: 1 }, { const: 2 }], maxItems: 1 },
  { type: 'array', items: { enum: [1, 2] }, uniqueItems: true, maxItems: 1 },
  list(list(list({ type: 'integer', minimum: 0, maximum: 9 }))),
  list(object({ id: { type: 'string', format: 'uuid' }, ok: { type: 'boolean' } })),
]

const unions: Schema[] = [
  { anyOf: [{ type: 'boolean' }, words] },
  { anyOf: [object({ a: words }), object({ b: { type: 'integer' } }), { type: 'null' }] },
  { oneOf: [{ type: 'string', maxLength: 5 }, { type: 'integer' }, { type: 'null' }] },
  { oneOf: [{ const: 1 }, { const: 'one' }, { enum: [true, false] }] },
  {
    oneOf: [
      object({ kind: { const: 'circle' }, radius: { type: 'number', minimum: 0 } }),
      object({ kind: { const: 'square' }, side: { type: 'number', minimum: 0 } }),
    ],
    discriminator: { propertyName: 'kind' },
  },
  { oneOf: [object({ a: words }), object({ b: words })] },
  {
    type: 'object',
    properties: { id: { type: 'integer' } },
    required: ['id'],
    anyOf: [{ properties: { x: words }, required: ['x'] }, { properties: { y: words } }],
  },
  {
    allOf: [
      object({ a: words }, { additionalProperties: true }),
      object({ b: words }, { additionalProperties: true }),
    ],
  },
  { allOf: [{ type: 'number' }, { minimum: 3 }, { type: 'integer', maximum: 7 }] },
  { allOf: [{ enum: [1, 2, 3, 4] }, { enum: [3, 4, 5] }, { maximum: 3 }] },
  { allOf: [{ type: 'string', minLength: 2 }, { maxLength: 4 }] },
  {
    allOf: [
      { type: 'object', properties: { a: { type: 'integer', minimum: 5 } }, required: ['a'] },
      { type: 'object', properties: { a: { maximum: 6 }, b: { type: 'null' } } },
    ],
  },
]

const person = object({ name: words, friends: list({ $ref: '#/$defs/person' }, 1) })
const references: Schema[] = [
  { $ref: '#/$defs/word', $defs: { word: words } },
  { $ref: '#/definitions/a~1b%20c', definitions: { 'a/b c': { type: 'boolean' } } },
  object(
    { one: { $ref: '#/$defs/word' }, two: { $ref: '#/$defs/word', description: 'again' } },
    { $defs: { word: words } },
  ),
  { $ref: '#/$defs/person', $defs: { person } },
  { $ref: '#/$defs/a', $defs: { a: { $ref: '#/$defs/b' }, b: { type: 'integer' } } },
  object({ value: { type: 'integer' }, next: { anyOf: [{ type: 'null' }, { $ref: '#' }] } }),
  object({ children: list({ $ref: '#' }, 1) }),
  {
    $ref: '#/$defs/expression',
    $defs: {
      expression: { anyOf: [{ type: 'integer' }, object({ not: { $ref: '#/$defs/expression' } })] },
    },
  },
  {
    $defs: { base: { type: 'object', properties: { id: { type: 'integer' } }, required: ['id'] } },
    allOf: [{ $ref: '#/$defs/base' }, { properties: { tag: words }, required: ['tag'] }],
  },
  {
    $defs: { small: { type: 'integer', maximum: 9 } },
    type: 'array',
    items: { $ref: '#/$defs/small', minimum: 4 },
    maxItems: 4,
  },
  object({ a: { $ref: '#/properties/b' }, b: { type: 'boolean' } }),
  {
    $defs: { 'x.y': { const: 1 }, 'x-y': { const: 2 } },
    type: 'array',
    prefixItems: [{ $ref: '#/$defs/x.y' }, { $ref: '#/$defs/x-y' }],
    items: false,
    minItems: 2,
  },
]

/** What no grammar keeps to, and the path of the keyword that says so. */
export const refusedSchemas: readonly (readonly [Schema, string])[] = [
  [{ type: 'array', items: { type: 'integer' }, uniqueItems: true }, 'schema.uniqueItems'],
  [object({ n: { type: 'integer', multipleOf: 1_000_003 } }), 'schema.properties.n.multipleOf'],
  [{ not: { type: 'string', format: 'email' }, type: 'string' }, 'schema'],
  [{ not: { format: 'email' } }, 'schema.not'],
  [{ type: 'object', minProperties: 2, additionalProperties: words }, 'schema.minProperties'],
  [{ type: 'string', pattern: '^(a|b)\\1$' }, 'schema.pattern'],
  [{ oneOf: [{ type: 'integer' }, { type: 'number' }] }, 'schema.oneOf'],
  [
    { type: 'array', prefixItems: [words], items: words, contains: { const: 1 } },
    'schema.contains',
  ],
  [
    object({ l: list({ $ref: 'https://example.com/other.json' }) }),
    'schema.properties.l.items.$ref',
  ],
]

export const handWrittenSchemas: readonly Schema[] = [
  ...scalars,
  ...strings,
  ...values,
  ...objects,
  ...arrays,
  ...unions,
  ...references,
].map((schema) => JSON.parse(JSON.stringify(schema)) as Schema)

/** One of the kinds above, put together at random. */
export function randomSchema(seed: number): Schema {
  const random = new Random(seed)
  const word = new Uint32Array(1)
  const upTo = (count: number) => {
    random.fill(word)
    return (word[0] as number) % count
  }
  const pick = <T>(from: readonly T[]): T => from[upTo(from.length)] as T
  const make = (depth: number): Schema => {
    const kind = upTo(depth > 0 ? 9 : 4)
    if (kind < 2) return pick([...scalars, words])
    if (kind === 2) return pick(strings.filter(({ minLength = 0 }) => Number(minLength) < 10))
    if (kind === 3) return pick(values)
    if (kind === 4) return list(make(depth - 1), 1 + upTo(3))
    if (kind === 5) return { anyOf: Array.from({ length: 1 + upTo(3) }, () => make(depth - 1)) }
    const keys = Array.from(
      { length: 1 + upTo(4) },
      (_, i) => `${pick(['a', 'ß', '"', 'x y'])}${i}`,
    )
    const properties = Object.fromEntries(keys.map((key) => [key, make(depth - 1)]))
    return object(properties, { required: keys.filter(() => upTo(3) > 0) })
  }
  return make(3)
}
