import { Ajv2020 } from 'ajv/dist/2020.js'
import { expect, test } from 'vitest'
import type { RequestNote } from '../../src/api/types.js'
import { readableSchema } from '../../src/schema/reading/readable-schema.js'
import { checkWellFormed } from '../../src/schema/reading/well-formed.js'
import { malformedShapes, validShapes } from '../support/chats/tool-shapes.js'

// What a malformed schema is read as: the rest of it holds.

function read(schema: unknown): { schema: unknown; notes: RequestNote[] } {
  const notes: RequestNote[] = []
  return { schema: readableSchema(schema, 'at', (note) => notes.push(note)), notes }
}

const of = (properties: object, more: object = {}) => ({ type: 'object', properties, ...more })

test.each<[unknown, unknown, string]>([
  [of({}, { required: null }), of({}), 'at.required'],
  [of({}, { required: ['a', 7] }), of({}, { required: ['a'] }), 'at.required'],
  [{ properties: [] }, { properties: {} }, 'at.properties'],
  [{ properties: 'none' }, {}, 'at.properties'],
  [of({ a: { required: true } }), of({ a: {} }, { required: ['a'] }), 'at.properties.a.required'],
  [{ minimum: 0, exclusiveMinimum: 'x' }, { minimum: 0 }, 'at.exclusiveMinimum'],
  [{ type: 'any' }, {}, 'at.type'],
  [{ type: 'int' }, { type: 'integer' }, 'at.type'],
  [{ type: 'OBJECT' }, { type: 'object' }, 'at.type'],
  [{ type: ['str', 'None'] }, { type: ['string', 'null'] }, 'at.type'],
  [of({ a: null }), of({ a: true }), 'at.properties.a'],
  [of({ a: 'string' }), of({ a: { type: 'string' } }), 'at.properties.a'],
  [{ items: [{ type: 'int' }] }, { items: [{ type: 'integer' }] }, 'at.items[0].type'],
  [{ items: [] }, {}, 'at.items'],
  [{ anyOf: { type: 'string' } }, { anyOf: [{ type: 'string' }] }, 'at.anyOf'],
  [{ anyOf: [] }, {}, 'at.anyOf'],
  [{ enum: null, type: 'string' }, { type: 'string' }, 'at.enum'],
  [{ minLength: '3' }, { minLength: 3 }, 'at.minLength'],
  [{ minLength: -1 }, {}, 'at.minLength'],
  [{ $ref: '#/$defs/x', type: 'string' }, { type: 'string' }, 'at.$ref'],
  [{ $ref: '#' }, {}, 'at.$ref'],
  [{ additionalProperties: null }, {}, 'at.additionalProperties'],
  [{ $defs: { x: { type: 'int' } } }, { $defs: { x: { type: 'integer' } } }, 'at.$defs.x.type'],
])('%j is read as %j', (given, expected, path) => {
  const { schema, notes } = read(given)
  expect(schema).toEqual(expected)
  expect(notes.map((note) => note.path)).toEqual([path])
  expect(notes[0]?.message).toMatch(/^expected .+, but got .+; taken as: .+$/)
})

test.each(validShapes)(
  'a valid schema is read as itself, and nothing is noted: $name',
  ({ parameters }) => {
    const { schema, notes } = read(parameters)
    expect(schema).toBe(parameters)
    expect(notes).toEqual([])
  },
)

test.each(malformedShapes)(
  'a schema that is read is a JSON Schema: $name',
  ({ name, parameters }) => {
    const { schema, notes } = read(parameters)
    checkWellFormed(schema, 'at')
    // A pattern that is no expression is no fault of the schema's form.
    if (name === 'no expression') return
    expect(notes.length).toBeGreaterThan(0)
    new Ajv2020({ strict: false }).compile(schema as object)
  },
)

test('schemas that are very deep end in any value', () => {
  let deep: object = { type: 'string' }
  for (let i = 0; i < 40; i++) deep = of({ a: deep })
  const { notes } = read(deep)
  expect(notes).toHaveLength(1)
  expect(notes[0]?.message).toContain('30 deep')
})

test('the first of very many faults are told', () => {
  const { schema, notes } = read({ anyOf: Array(9000).fill(0) })
  expect(notes).toHaveLength(64)
  expect(schema).toEqual({ anyOf: Array(9000).fill(true) })
})

test('a long chain of references leads to its end', () => {
  const links = Array.from({ length: 4000 }, (_, i) => [`a${i}`, { $ref: `#/$defs/a${i + 1}` }])
  const $defs = { ...Object.fromEntries(links), a4000: { type: 'string' } }
  const { schema, notes } = read({ $ref: '#/$defs/a0', $defs })
  expect(notes).toEqual([])
  expect(() => checkWellFormed(schema, 'at')).not.toThrow()
})

test('a long chain of schemas, each in the one before, is read without recursion', () => {
  const items = (i: number) => ({ items: { $ref: `#/$defs/a${i + 1}` } })
  const links = Array.from({ length: 4000 }, (_, i) => [`a${i}`, items(i)])
  const $defs = { ...Object.fromEntries(links), a4000: { type: 'string' } }
  expect(() => checkWellFormed({ $ref: '#/$defs/a0', $defs }, 'at')).not.toThrow()
})
