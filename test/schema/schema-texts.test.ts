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
