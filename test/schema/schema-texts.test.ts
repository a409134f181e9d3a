import { expect, test } from 'vitest'
import { schemaGrammar } from '../../src/schema/schema-grammar.js'
import { generatorSchemas } from '../support/schemas/generator-schemas.js'
import { GrammarSampler } from '../support/schemas/grammar-sampler.js'
import { pydanticSchemas } from '../support/schemas/pydantic-schemas.js'
import { handWrittenSchemas, randomSchema } from '../support/schemas/schemas.js'
import { validates } from '../support/schemas/validates.js'

// Any text of a schema's grammar validates: random ones of each, written without any model.

const { setOfStr: _, ...accepted } = pydanticSchemas
const schemas = [
  ...handWrittenSchemas,
  ...generatorSchemas,
  ...Object.values(accepted),
  ...Array.from({ length: 60 }, (_, i) => randomSchema(1000 + i)),
]

test('texts of some 12 and some 60 characters validate', () => {
  for (const [i, schema] of schemas.entries()) {
    const sampler = new GrammarSampler(schemaGrammar(schema), i)
    for (const about of [12, 60, 12]) {
      const text = sampler.sample(about)
      const isValid = validates(schema, text)
      expect({ schema, text, isValid }).toEqual({ schema, text, isValid: true })
    }
  }
})

/** A property that only these name is not evaluated. */
const node = {
  type: 'object',
  properties: { value: { type: 'integer' }, next: { type: ['null', 'boolean'] } },
  required: ['value', 'next'],
}
const only = { type: 'object', properties: { only: { type: 'boolean' } } }
const closed = { ...only, unevaluatedProperties: false }
test.each([
  { ...closed, not: node },
  { ...only, unevaluatedProperties: { type: 'string' }, not: node },
  JSON.parse(`{"if": ${JSON.stringify(node)}, "else": ${JSON.stringify(closed)}}`),
  { ...closed, not: node, anyOf: [{ properties: { value: { type: 'string' } } }] },
  { ...closed, oneOf: [node, { properties: { only: { const: true } }, required: ['only'] }] },
  { unevaluatedProperties: false, allOf: [{ not: node }, only] },
])('a property that only what must not be names is an unevaluated one: %j', (schema) => {
  const sampler = new GrammarSampler(schemaGrammar(schema), 7)
  expect(sampler.canEnd).toBe(true)
  for (let i = 0; i < 200; i++) {
    const text = sampler.sample(i % 60)
    expect({ text, isValid: validates(schema, text) }).toEqual({ text, isValid: true })
  }
})
