import { describe, expect, test } from 'vitest'
import { InvalidSchemaError } from '../../src/api/errors.js'
import { jsonGrammar, schemaGrammar } from '../../src/schema/schema-grammar.js'
import { refusedSchemas } from '../support/schemas/schemas.js'

// That replies validate is shown by test/e2e/engine/chat/schema.test.ts; here is what is refused,
// and that it takes no time.

function refusal(schema: unknown): InvalidSchemaError {
  try {
    schemaGrammar(schema)
  } catch (error) {
    if (error instanceof InvalidSchemaError) return error
    throw error
  }
  return expect.fail('it was accepted')
}

test.each(refusedSchemas)('%j is refused at %s', (schema, path) => {
  expect(refusal(schema)).toMatchObject({ path, code: 'ERR_INVALID_SCHEMA' })
})

test.each([
  [{ type: 'strong' }, 'schema.type'],
  [{ type: [] }, 'schema.type'],
  [{ enum: [] }, 'schema.enum'],
  [{ enum: 'a' }, 'schema.enum'],
  [{ type: 'string', minLength: -1 }, 'schema.minLength'],
  [{ type: 'string', minLength: 1e6 }, 'schema.minLength'],
  [{ type: 'integer', minimum: '1' }, 'schema.minimum'],
  [{ type: 'integer', minimum: 1e17 }, 'schema'],
  [{ type: 'integer', minimum: 2, maximum: 1 }, 'schema'],
  [{ type: 'object', properties: { a: 7 } }, 'schema.properties.a'],
  [{ type: 'object', properties: [] }, 'schema.properties'],
  [{ type: 'object', required: 'a' }, 'schema.required'],
  [{ type: 'object', properties: { a: false }, required: ['a'] }, 'schema'],
  [{ type: 'object', required: ['a'], additionalProperties: false }, 'schema'],
  [{ type: 'array', items: { enum: [1, 2] }, contains: { const: 2, type: 'string' } }, 'schema'],
  [{ type: 'array', items: { type: 'null' }, contains: { type: 'string' }, minItems: 3 }, 'schema'],
  [{ type: 'object', not: { properties: null } }, 'schema.not.properties'],
  [{ type: 'object', if: { properties: 7 }, else: {} }, 'schema.if.properties'],
  [{ type: 'object', if: { required: 'a' }, else: {} }, 'schema.if.required'],
  [{ anyOf: [] }, 'schema.anyOf'],
  [{ anyOf: [{ not: {} }] }, 'schema'],
  [{ anyOf: [{ type: 'string', pattern: '\\k<a>' }] }, 'schema.anyOf[0].pattern'],
  [{ type: 'number', multipleOf: 0 }, 'schema.multipleOf'],
  [{ type: 'string', pattern: '^a', maxLength: 0 }, 'schema.pattern'],
  [{ type: 'string', pattern: '^\\p{Nobody}$' }, 'schema.pattern'],
  [{ $ref: '#nobody' }, 'schema.$ref'],
  [{ allOf: [{ type: 'string' }, { type: 'null' }] }, 'schema'],
  [{ allOf: [{ pattern: '^a$' }, { pattern: '^b$' }] }, 'schema.pattern'],
  [{ $ref: '#' }, 'schema.$ref'],
  [{ $ref: '#/$defs/a', $defs: { a: { $ref: '#/$defs/a' } } }, 'schema.$ref'],
  [{ allOf: [{ $ref: '#' }] }, 'schema'],
  [{ $ref: 'https://example.com/schema.json' }, 'schema.$ref'],
  [{ $ref: 'other.json#/a' }, 'schema.$ref'],
  [{ $ref: '#/$defs/missing' }, 'schema.$ref'],
  [{ $ref: '#/constructor' }, 'schema.$ref'],
  [{ $ref: 7 }, 'schema.$ref'],
  [{ type: 'string', pattern: '^a$', format: 'date' }, 'schema.pattern'],
  [7, 'schema'],
  [null, 'schema'],
  [undefined, 'schema'],
])('%j is refused at %s, and the message says what was expected', (schema, path) => {
  const { path: at, message } = refusal(schema)
  expect(at).toBe(path)
  expect(message).toMatch(new RegExp(`^'${path.replace(/[$[\]]/g, '\\$&')}': expected `))
})

test.each([
  '^a{3,1}$',
  '^a{99999}$',
  '^(a$',
  '^a)$',
  '^*a$',
  '^[z-a]$',
  '^[a$',
  '^(a)\\1$',
  '^a(^b)$',
  '^\\u{110000}$',
  '^[]$',
  `^${'('.repeat(40)}a${')'.repeat(40)}$`,
])('the pattern %j is refused, and never becomes a RegExp', (pattern) => {
  expect(refusal({ type: 'string', pattern }).path).toBe('schema.pattern')
})

test('the path of an error begins with the name that its caller has for the schema', () => {
  const schema = { not: { format: 'date' } }
  expect(() => schemaGrammar(schema, 'response_format.json_schema.schema')).toThrow(
    expect.objectContaining({ path: 'response_format.json_schema.schema.not' }),
  )
})

test('keywords that only describe change nothing', () => {
  const plain = { type: 'object', properties: { a: { type: 'boolean' } } }
  const told = {
    ...plain,
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'T',
    description: 'd',
    default: {},
    'x-mine': 1,
    minLenght: 3,
    markdownDescription: '*d*',
    uniqueItems: true, // of arrays alone
    minProperties: 0,
  }
  expect(schemaGrammar(told)).toBe(schemaGrammar(plain))
})

test.each([
  [
    { type: 'number', minimum: 0, exclusiveMinimum: true },
    { type: 'number', exclusiveMinimum: 0 },
  ],
  [
    { maximum: 9, exclusiveMaximum: false, type: 'integer' },
    { maximum: 9, type: 'integer' },
  ],
  [{ type: 'string', nullable: true }, { type: ['string', 'null'] }],
  [{ type: 'string', format: 'iban' }, { type: 'string' }],
  [
    { items: [{ const: 1 }], additionalItems: false },
    { prefixItems: [{ const: 1 }], items: false },
  ],
  [{ type: ['string', 'null'], not: { type: 'null' } }, { type: 'string' }],
  [{ dependencies: { a: ['b'] } }, { dependentRequired: { a: ['b'] } }],
  [{ allOf: [{ multipleOf: 4 }, { multipleOf: 6 }] }, { multipleOf: 12 }],
  [{ pattern: '^(?=[a-c])[b-z]$' }, { pattern: '^(?=[bc])[bc]$' }],
])('the schema %j is the grammar of %j', (schema, other) => {
  expect(schemaGrammar(schema)).toBe(schemaGrammar(other))
})

test('values are the same whatever the order of their keys', () => {
  const both = { allOf: [{ enum: [{ a: 1, b: [2] }, 3] }, { enum: [{ b: [2], a: 1 }, '3'] }] }
  expect(schemaGrammar(both)).toBe(schemaGrammar({ const: { a: 1, b: [2] } }))
})

test.each([
  ['^[\\w\\d\\wa-c]$', '^[\\w]$'],
  ['^[c-ea-db]$', '^[a-e]$'],
  ['^[^\\x00-\\x60\\x62-\\u{10ffff}]$', '^a$'],
  ['^[^c-\\u{10ffff}\\x00-\\x60]$', '^[ab]$'],
])('the pattern %j says what %j does', (pattern, other) => {
  expect(schemaGrammar({ pattern })).toBe(schemaGrammar({ pattern: other }))
})

test('any JSON object has a grammar too', () => {
  expect(jsonGrammar()).toContain('root ::=')
})

test('properties may be named as methods of objects are, also where they are negated', () => {
  const named = { type: 'object', properties: { toString: {}, valueOf: { type: 'integer' } } }
  expect(schemaGrammar({ oneOf: [{ type: 'string', format: 'other' }, named] })).toContain('root')
  expect(schemaGrammar({ type: 'object', not: named })).toContain('root')
})

describe('schemas that are meant to hurt', () => {
  const nested = (depth: number): object =>
    depth === 0 ? {} : { type: 'array', items: nested(depth - 1) }
  const circle: Record<string, unknown> = { type: 'object' }
  circle.properties = { circle }
  const doubling = Object.fromEntries(
    Array.from({ length: 200 }, (_, i) => {
      const next = { allOf: [{ $ref: `#/$defs/d${i + 1}` }, { title: 'x', required: ['a'] }] }
      return [`d${i}`, { type: 'object', properties: { a: next, b: next } }]
    }),
  )
  const unions = Object.fromEntries(
    Array.from({ length: 30 }, (_, i) => {
      const both = { $ref: `#/$defs/u${i + 1}` }
      return [`u${i}`, { minimum: i, anyOf: [both, both, both] }]
    }),
  )
  const range = <T>(length: number, each: (i: number) => T) =>
    Array.from({ length }, (_, i) => each(i))
  const names = range(3000, (i) => `k${i}`)
  const at = (name: string) => ({ $ref: `#/$defs/${name}` })
  const properties = (count: number, each: (i: number) => unknown) =>
    Object.fromEntries(range(count, (i) => [`p${i}`, each(i)]))

  const scripts = (
    'Adlam Ahom Arabic Armenian Avestan Balinese Bamum Batak Bengali Bhaiksuki Bopomofo Brahmi ' +
    'Braille Buginese Buhid Carian Chakma Cham Cherokee Coptic Cuneiform Cypriot Cyrillic ' +
    'Devanagari Dogra Elbasan Elymaic Ethiopic Georgian Glagolitic Gothic Grantha Greek Thai'
  ).split(' ')

  test.each<[string, () => unknown]>([
    ['deeper than 32', () => nested(40)],
    ['deeper than the stack', () => nested(5000)],
    ['circular', () => circle],
    ['larger than 64 KiB', () => ({ const: 'x'.repeat(70_000) })],
    ['doubling at each $ref', () => ({ $ref: '#/$defs/d0', $defs: { ...doubling, d200: {} } })],
    ['tripling at each $ref', () => ({ $ref: '#/$defs/u0', $defs: { ...unions, u30: {} } })],
    [
      'a key that never ends',
      () => ({ properties: { ['k'.repeat(60_000)]: {} }, additionalProperties: {} }),
    ],
    [
      'a repetition of repetitions',
      () => ({ type: 'string', pattern: `^${'(a{9999}){9999}'.repeat(3000)}$` }),
    ],
    [
      'one enum met sixty times in allOf',
      () => ({ $defs: { e: { enum: range(9000, (i) => i) } }, allOf: range(60, () => at('e')) }),
    ],
    [
      'one enum beside each of 900 types',
      () => ({
        $defs: { e: { enum: range(4000, (i) => `v${i}`) } },
        anyOf: range(900, () => ({ ...at('e'), type: 'string' })),
      }),
    ],
    [
      'one pattern beside each of 900 types',
      () => ({
        $defs: { p: { pattern: `^(${range(5000, (i) => `a${i % 10}`).join('|')})$` } },
        properties: properties(900, () => ({ ...at('p'), type: 'string' })),
      }),
    ],
    [
      'large bases under many alternatives',
      () => ({
        properties: properties(2000, () => ({})),
        anyOf: range(2000, () => ({ type: 'null' })),
      }),
    ],
    [
      'alternatives told apart by a thousand properties each',
      () => ({
        $defs: { b: { properties: properties(1000, (i) => ({ const: i })), required: names } },
        oneOf: range(256, (i) => ({ ...at('b'), properties: { tag: { const: i } } })),
      }),
    ],
    [
      'a chain of $ref, entered in each of 2,000 items',
      () => ({
        $defs: properties(900, (i) => (i === 899 ? { type: 'null' } : at(`p${i + 1}`))),
        prefixItems: range(2000, () => at('p0')),
      }),
    ],
    [
      'thousands of types',
      () => ({ allOf: range(2, () => ({ type: range(3000, () => 'null') })) }),
    ],
    [
      'twenty-six things that must come in any order',
      () => ({ pattern: `^${range(26, (i) => `(?=.*${String.fromCharCode(97 + i)})`).join('')}` }),
    ],
    ['an automaton of a million states', () => ({ pattern: '(a|b)*a(a|b){20}$', minLength: 22 })],
    [
      'optional characters without end',
      () => ({ pattern: `^${'a?'.repeat(1900)}$`, minLength: 9 }),
    ],
    ['what may be empty, often', () => ({ pattern: '^((a?){999}){999}$', maxLength: 9 })],
    [
      'groups that look around in groups',
      () => ({ pattern: `${'(?!(a'.repeat(15)}${'))'.repeat(15)}` }),
    ],
    [
      'many properties of Unicode, once each',
      () => ({
        anyOf: range(35, (i) => ({ pattern: `^\\p{Script=${scripts[i]}}$`, maxLength: 2 })),
      }),
    ],
    [
      'an e-mail address beside a pattern and lengths, ninety times',
      () => ({
        properties: properties(90, (i) => ({
          type: 'string',
          format: 'email',
          pattern: `^[^@]+@[a-z]+[.]x${i}$`,
          maxLength: 200,
        })),
      }),
    ],
    [
      'properties that depend on each other',
      () => ({ dependentRequired: properties(25, (i) => [`p${i + 1}`]), properties: {} }),
    ],
    [
      'not in not',
      () =>
        range(60, (i) => i).reduce<object>((inner) => ({ not: { required: ['a'], ...inner } }), {}),
    ],
    [
      'alternatives that all overlap',
      () => ({ oneOf: range(200, (i) => ({ type: 'string', minLength: i })) }),
    ],
    [
      'a set of five thousand words',
      () => ({ items: { enum: names }, uniqueItems: true, maxItems: 90 }),
    ],
    [
      'properties to be counted',
      () => ({ properties: properties(900, () => ({})), minProperties: 450 }),
    ],
    [
      'multiples of many numbers',
      () => ({ properties: properties(90, (i) => ({ multipleOf: 641 + i, type: 'integer' })) }),
    ],
    [
      'items to be found',
      () => ({ contains: { const: 1 }, minContains: 700, items: { enum: [1, 2] } }),
    ],
    [
      'keys by patterns',
      () => ({
        patternProperties: properties(4, () => ({ type: 'null' })),
        properties: properties(400, () => ({})),
      }),
    ],
    [
      'anchors',
      () => ({ $defs: properties(3000, (i) => ({ $anchor: `a${i}`, $id: `i${i}` })), $ref: '#a9' }),
    ],
    ['a function', () => () => 1],
    ['a bigint', () => ({ const: 1n })],
  ])('are refused or made a grammar within a second: %s', (_, make) => {
    const schema = make()
    const before = process.cpuUsage() // the machine may be busy with other things
    try {
      expect(schemaGrammar(schema).length).toBeLessThan(2 * 1024 * 1024)
    } catch (error) {
      expect(error).toBeInstanceOf(InvalidSchemaError)
    }
    const { user, system } = process.cpuUsage(before)
    expect((user + system) / 1000).toBeLessThan(1000)
  })

  test('are no large ones, which pass: one enum, one pattern, many of each', () => {
    const many = {
      $defs: { e: { enum: range(500, (i) => `v${i}`) }, p: { pattern: '^[a-z]{1,9}$' } },
      type: 'object',
      properties: properties(100, (i) => (i % 2 === 0 ? at('e') : { ...at('p'), type: 'string' })),
    }
    expect(schemaGrammar(many)).toContain('p99')
    expect(schemaGrammar({ pattern: `^${'ab[cd]'.repeat(1000)}$` })).toContain('root ::=')
  })

  test('of 3,000 optional properties, or 7,000 words of an enum, are made grammars', () => {
    const properties = Object.fromEntries(names.map((name) => [name, {}]))
    expect(schemaGrammar({ type: 'object', properties })).toContain('"\\"k2999\\""')
    const words = Array.from({ length: 7000 }, (_, i) => `w${i}`)
    expect(schemaGrammar({ enum: words }).length).toBeLessThan(1000) // they share beginnings
  })
})
