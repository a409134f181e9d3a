import { Ajv2020, type AnySchema } from 'ajv/dist/2020.js'
import addFormats from 'ajv-formats'
import { afterAll, describe, expect, test } from 'vitest'
import { CompiledSchema, type Engine, InvalidSchemaError, load } from '../../../src/index.js'
import { randomModel } from '../../support/random-model.js'
import {
  handWrittenSchemas,
  randomSchema,
  refusedSchemas,
  type Schema,
} from '../../support/schemas.js'
import type { TokenizerName } from '../../support/tokenizers.js'

const ask = [{ role: 'user' as const, content: 'Say something' }]
const accepted: readonly Schema[] = [
  ...handWrittenSchemas,
  ...Array.from({ length: 191 - handWrittenSchemas.length }, (_, i) => randomSchema(i)),
]

const ajv = new Ajv2020({ strict: false, validateFormats: true })
addFormats.default(ajv)

function validates(schema: Schema, text: string): boolean {
  const { $id: _, ...rest } = schema
  const validate = ajv.compile(rest as AnySchema)
  return validate(JSON.parse(text)) === true
}

describe('200 schemas, and random models at temperature 1.5', () => {
  const engines: Engine[] = []
  afterAll(() => Promise.all(engines.map((engine) => engine.close())))

  test('are 200, and those that no grammar keeps to are refused with the keyword', () => {
    expect(accepted.length + refusedSchemas.length).toBe(200)
    expect(accepted.length).toBeGreaterThanOrEqual(190)
    for (const [schema, path] of refusedSchemas) {
      const compile = () => new CompiledSchema(schema)
      expect(compile).toThrow(InvalidSchemaError)
      expect(compile).toThrow(expect.objectContaining({ path, code: 'ERR_INVALID_SCHEMA' }))
    }
  })

  test.each<TokenizerName>(['gpt-2', 'llama-spm'])(
    'every reply that ends with stop parses and validates, by the tokens of %s',
    async (tokenizer) => {
      const model = randomModel({ tokenizer, logitDeviation: 2, context: 4096, seed: 4 })
      const engine = await load({ model, parallel: 16, context: 1536, queue: 256 })
      engines.push(engine)
      const replies = await Promise.all(
        accepted.map(async (schema, seed) => {
          const reply = engine.chat(ask, { schema, temperature: 1.5, seed, maxTokens: 1200 })
          const text = await reply.text()
          return { schema, text, reason: (await reply.done).finishReason }
        }),
      )
      const ended = replies.filter(({ reason }) => reason === 'stop')
      expect(ended.length).toBeGreaterThanOrEqual(accepted.length * 0.9)
      for (const { schema, text } of ended) {
        expect({ schema, text, isValid: validates(schema, text) }).toMatchObject({ isValid: true })
      }
    },
    120_000,
  )
})
