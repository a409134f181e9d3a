import { describe, expect, test } from 'vitest'
import {
  CompiledSchema,
  InvalidGrammarError,
  InvalidSchemaError,
  type LoadOptions,
} from '../../../../src/index.js'
import { kindModel } from '../../../support/models/model-kinds.js'
import { randomModel } from '../../../support/models/random-model.js'
import type { TokenizerName } from '../../../support/models/tokenizers.js'
import { generatorSchemas } from '../../../support/schemas/generator-schemas.js'
import {
  handWrittenSchemas,
  randomSchema,
  refusedSchemas,
  type Schema,
} from '../../../support/schemas/schemas.js'
import { validates } from '../../../support/schemas/validates.js'
import { suiteLoader } from '../../../support/suite-engines.js'

const ask = [{ role: 'user' as const, content: 'Say something' }]
const written: readonly Schema[] = [...handWrittenSchemas, ...generatorSchemas]
const accepted: readonly Schema[] = [
  ...written,
  ...Array.from({ length: 210 - written.length }, (_, i) => randomSchema(i)),
]

describe('219 schemas, and random models at temperature 1.5', () => {
  const load = suiteLoader()

  test('are 219, and those that no grammar keeps to are refused with the keyword', () => {
    expect(accepted.length + refusedSchemas.length).toBe(219)
    expect(accepted.length).toBeGreaterThanOrEqual(210)
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
      const replies = await Promise.all(
        accepted.map(async (schema, seed) => {
          const reply = engine.chat(ask, { schema, temperature: 1.5, seed, maxTokens: 800 })
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
  )
})

describe('a form is kept to', () => {
  const load = suiteLoader()
  const open = (options: Partial<LoadOptions>) =>
    load({ model: kindModel('plain'), kvType: 'q8_0', ...options })

  const rows = { type: 'array', items: { enum: ['north', 'south', 'nowhere'] }, minItems: 30 }

  test.each<[string, Partial<LoadOptions>]>([
    ['look-ups', { lookup: true }],
    ['a draft model', { draft: kindModel('plain') }],
  ])('with %s as without: what is drafted is checked as well', async (_, options) => {
    const drafted = await open({ ...options, draftMax: 6 })
    const plain = await open({})
    const schema = { ...rows, maxItems: 30 }
    for (const temperature of [0, 1.5]) {
      const asked = { schema, temperature, seed: 8, maxTokens: 900 }
      const text = await drafted.chat(ask, asked).text()
      expect(text).toBe(await plain.chat(ask, asked).text())
      expect(validates(schema, text)).toBe(true)
    }
    expect(drafted.stats().draftTokens).toBeGreaterThan(0)
  })

  test('by choices, and by replies that gave up their slot and came back', async () => {
    const engine = await open({ parallel: 4, context: 512, kvCells: 600, queue: 64 })
    const replies = Array.from({ length: 6 }, (_, seed) => {
      const grammar = `root ::= [a-f]{${250 + seed}} "."`
      return engine.chat(ask, { grammar, n: 2, seed, temperature: 1.5 })
    })
    for (const [i, reply] of replies.entries()) {
      const texts = await reply.texts()
      expect(texts).toHaveLength(2)
      for (const text of texts) expect(text).toMatch(new RegExp(`^[a-f]{${250 + i}}\\.$`))
    }
    expect(engine.stats().preempted).toBeGreaterThan(0)
  })

  test('by any JSON object, and by a schema that was compiled once', async () => {
    const engine = await open({ parallel: 8, context: 2048 })
    const texts = await Promise.all(
      Array.from({ length: 16 }, (_, seed) => {
        return engine.chat(ask, { json: true, seed, temperature: 1.5, maxTokens: 1500 }).text()
      }),
    )
    const isWhole = (text: string) => text.endsWith('}')
    expect(texts.filter(isWhole).length).toBeGreaterThan(0)
    for (const text of texts.filter(isWhole)) expect(typeof JSON.parse(text)).toBe('object')
    const schema = new CompiledSchema({ enum: ['one', 'two'] })
    expect(await engine.complete('Say', { schema }).text()).toMatch(/^"(one|two)"$/)
    expect(await engine.chat(ask, { schema }).text()).toMatch(/^"(one|two)"$/)
  })

  test('unless the request is refused before it is accepted', async () => {
    const engine = await open({})
    const refused = engine.chat(ask, { grammar: 'root ::= (' })
    await expect(refused.accepted).rejects.toBeInstanceOf(InvalidGrammarError)
    await expect(refused.text()).rejects.toMatchObject({ code: 'ERR_INVALID_GRAMMAR' })
    expect(() => engine.chat(ask, { schema: { not: {} } })).toThrow(InvalidSchemaError)
    expect(await engine.chat(ask, { grammar: 'root ::= "fine"' }).text()).toBe('fine')
    const { started, finished, failed } = engine.stats()
    expect({ started, finished, failed }).toEqual({ started: 2, finished: 1, failed: 1 })
  })
})
