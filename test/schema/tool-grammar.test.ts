import { describe, expect, test } from 'vitest'
import { InvalidSchemaError } from '../../src/api/errors.js'
import { parseChat } from '../../src/options/chat-options.js'
import { checkWellFormed } from '../../src/schema/reading/well-formed.js'
import { readTool } from '../../src/schema/tool-cache.js'
import { type CallFormat, toolGrammar } from '../../src/schema/tool-grammar.js'

// What is refused of a tool's schema, and what becomes of each argument. That calls validate is
// shown by test/e2e/engine/chat/tools.test.ts.

const at = 'tools[0].parameters'

function compile(schema: unknown, format: CallFormat = 'json', isStrict = false) {
  checkWellFormed(schema, at)
  return toolGrammar(schema, at, { format, isStrict })
}

function refusal(use: () => unknown): InvalidSchemaError {
  try {
    use()
  } catch (error) {
    if (error instanceof InvalidSchemaError) return error
    throw error
  }
  return expect.fail('it was accepted')
}

function properties(schemas: Record<string, unknown>, more: object = {}): object {
  return { type: 'object', properties: schemas, ...more }
}

const malformed: [object, string][] = [
  [{ type: 'wizard' }, 'type'],
  [{ type: [] }, 'type'],
  [{ $ref: '#' }, '$ref'],
  [{ $ref: '#/$defs/a', $defs: { a: { $ref: '#/$defs/a' } } }, '$ref'],
  [properties({ a: { $ref: '#/x' } }), 'properties.a.$ref'],
  [properties({ a: { $ref: 'https://example.com/x.json' } }), 'properties.a.$ref'],
  [properties({ a: 7 }), 'properties.a'],
  [{ properties: [] }, 'properties'],
  [{ required: true }, 'required'],
  [{ required: [1] }, 'required'],
  [properties({ a: { enum: [] } }), 'properties.a.enum'],
  [properties({ a: { minLength: -1 } }), 'properties.a.minLength'],
  [properties({ a: { minimum: '1' } }), 'properties.a.minimum'],
  [properties({ a: { pattern: 1 } }), 'properties.a.pattern'],
  [properties({ a: { items: [{ anyOf: [] }] } }), 'properties.a.items[0].anyOf'],
  [{ not: { not: { type: 'x' } } }, 'not.not.type'],
  [{ dependentRequired: { a: 'b' } }, 'dependentRequired'],
  [{ additionalProperties: 'no' }, 'additionalProperties'],
]

const unkept: [object, string][] = [
  [{ not: { format: 'email' } }, '.not'],
  [properties({ a: { type: 'array', uniqueItems: true } }), '.properties.a.uniqueItems'],
  [properties({ a: { type: 'array', minItems: 1e9 } }), '.properties.a.minItems'],
  [properties({ a: { type: 'string', pattern: '(x)\\1' } }), '.properties.a.pattern'],
  [properties({ a: { type: 'integer', multipleOf: 1_000_003 } }), '.properties.a.multipleOf'],
  [properties({ a: { oneOf: [{ type: 'integer' }, { type: 'number' }] } }), '.properties.a.oneOf'],
  [{ type: 'array' }, ''],
  [properties({ a: false }, { required: ['a'] }), ''],
]

const formats: CallFormat[] = ['json', 'tagged', 'gemma', 'other', 'none']

describe('a schema', () => {
  test.each(malformed)('like %j is none, and refused for every template', (schema, path) => {
    for (const format of formats) {
      expect(refusal(() => compile(schema, format)).path).toBe(`${at}.${path}`)
      expect(refusal(() => compile(schema, format, true)).path).toBe(`${at}.${path}`)
    }
  })

  test('that is none is refused by strict where no tool may be called as well', () => {
    const tools = [{ name: 'x', parameters: { type: 'wizard' }, strict: true }]
    const parse = () => parseChat([{ role: 'user', content: 'x' }], { tools, toolChoice: 'none' })
    expect(refusal(parse).path).toBe(`${at}.type`)
  })

  test.each(unkept)(
    'like %j asks for what is not kept to: only strict refuses it',
    (schema, path) => {
      expect(refusal(() => compile(schema, 'json', true)).path).toBe(at + path)
      for (const format of formats) compile(schema, format)
    },
  )

  test('that is kept to in part is taken without strict', () => {
    const tags = { type: 'array', items: { enum: ['sweet', 'sour'] }, uniqueItems: true }
    const { rules } = compile(properties({ tags }))
    expect(rules).toContain('weet')
    expect(rules).toContain('tags')
  })

  test('by the same text is compiled once', () => {
    const text = JSON.stringify(properties({ a: { type: 'null' } }))
    const read = (format: CallFormat | undefined, isStrict: boolean) => {
      return readTool(text, at, { format, isStrict, budget: { left: 1000 } })
    }
    const { grammar, parameters } = read('json', false)
    expect(grammar.root).not.toBe('')
    expect(parameters).toBe(text)
    expect(read('tagged', false).grammar).not.toBe(grammar)
    expect(read(undefined, false).grammar.root).toBe('')
    expect(read('json', true).grammar).not.toBe(grammar)
    expect(read('json', false).grammar).toBe(grammar)
  })

  test('is not remembered by what came of a budget that is spent', () => {
    const text = JSON.stringify(properties({ b: { enum: ['x', 'y', 'z'] } }))
    const read = (left: number) => {
      return readTool(text, at, { format: 'json', isStrict: false, budget: { left } }).grammar
    }
    expect(read(1).rules).not.toContain('\\"b\\"')
    expect(read(1000).rules).toContain('\\"b\\"')
  })
})

describe('a template where each argument is written by itself', () => {
  const kindOf = (schema: unknown) => {
    const [property] = compile(properties({ a: schema }), 'tagged', true).properties
    const { kind = '', json = '', text = '' } = property ?? {}
    return [kind, json !== '', text !== '']
  }

  test.each([
    [{ type: 'string' }, '{"type":"string"}', false, false],
    [{ type: 'string', maxLength: 3 }, '{"type":"string"}', false, true],
    [{ enum: ['a', 'b'] }, '{"type":"string"}', false, true],
    [{ type: 'integer', maximum: 3 }, '{"type":"integer"}', true, false],
    [{ enum: [1, null] }, '{"type":"integer"}', true, false],
    [{ type: ['string', 'null'] }, '{"type":["string","null"]}', true, false],
    [{ anyOf: [{ enum: ['a'] }, { type: 'null' }] }, '{"type":["string","null"]}', true, true],
    // A text such as "9" would be read as a number that is not allowed: it is always a string.
    [{ type: ['string', 'integer'], maximum: 3 }, '{"type":"string"}', false, false],
    [{ anyOf: [{ type: 'string' }, { type: 'object' }] }, '{"type":"string"}', false, false],
    [{}, '{}', true, false],
  ])('makes %j one of the kind %s', (schema, kind, isJson, isText) => {
    expect(kindOf(schema)).toEqual([kind, isJson, isText])
  })

  test('requires an argument or not, and leaves out what cannot stand in a tag', () => {
    const schema = properties({ a: {}, ' b': {}, 'c<': {} }, { required: ['a'] })
    const { properties: found, root } = compile(schema, 'tagged')
    expect(found.map(({ name, isRequired }) => [name, isRequired])).toEqual([['a', true]])
    expect(root).toBe('')
    expect(refusal(() => compile(schema, 'tagged', true)).path).toBe(`${at}.properties. b`)
  })

  test('has alternatives of all arguments refused by strict', () => {
    const schema = { anyOf: [properties({ a: {} }), properties({ b: {} })] }
    expect(refusal(() => compile(schema, 'tagged', true)).path).toBe(`${at}.anyOf`)
    expect(compile(schema, 'json', true).root).not.toBe('')
  })
})

test.each<[CallFormat, string]>([
  ['other', 'tools[0].strict'],
  ['none', 'tools'],
])('a strict tool is refused for a template of calls %s', (format, option) => {
  const tools = [{ name: 'x', strict: true }]
  const parse = () => parseChat([{ role: 'user', content: 'x' }], { tools }, undefined, format)
  expect(parse).toThrow(expect.objectContaining({ option }))
})
