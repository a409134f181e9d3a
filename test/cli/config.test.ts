import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { modelsOf, readConfig } from '../../src/cli/config/read.js'
import { configJsonSchema, configSchema } from '../../src/cli/config/schema.js'
import { parseModelsOptions, pooledModelChecks } from '../../src/options/models-options.js'

const folder = mkdtempSync(join(tmpdir(), 'sluice-config-'))
afterAll(() => rmSync(folder, { recursive: true }))

function written(config: unknown): string {
  const file = join(folder, 'models.json')
  writeFileSync(file, typeof config === 'string' ? config : JSON.stringify(config))
  return file
}

test('the published schema is that of the code (npx vitest -u writes it)', async () => {
  const text = `${JSON.stringify(configJsonSchema(), null, 2)}\n`
  await expect(text).toMatchFileSnapshot('../../docs/config.schema.json')
})

test('paths of a config file are below its folder, and files of templates are read', () => {
  writeFileSync(join(folder, 'template.jinja'), '{{ messages }}')
  const models = {
    tales: { file: 'tales.gguf', draft: '/d/small.gguf', context: 512, aliases: ['t'] },
    news: { file: '/m/news.gguf', chatTemplateFile: 'template.jinja', loadAtStart: true },
  }
  const file = written({ $schema: './config.schema.json', models })
  expect(modelsOf(readConfig(file), file)).toEqual({
    tales: {
      model: join(folder, 'tales.gguf'),
      draft: '/d/small.gguf',
      context: 512,
      aliases: ['t'],
    },
    news: { model: '/m/news.gguf', chatTemplate: '{{ messages }}' },
  })
})

test('adapters of a config file are below its folder too', () => {
  const lora = { red: 'red.gguf', blue: { file: '/l/blue.gguf', scale: 0.5 } }
  const file = written({ models: { a: { file: 'a.gguf', lora } } })
  const models = modelsOf(readConfig(file), file)
  expect(models.a?.lora).toEqual({
    red: { file: join(folder, 'red.gguf') },
    blue: { file: '/l/blue.gguf', scale: 0.5 },
  })
  expect(() => parseModelsOptions({ models })).not.toThrow()
})

test('names of the Hub in a config file stay as they are', () => {
  const models = { a: { file: 'hf:o/r:Q8_0', draft: 'hf:o/r/small.gguf' } }
  const file = written({ models })
  expect(modelsOf(readConfig(file), file)).toEqual({
    a: { model: 'hf:o/r:Q8_0', draft: 'hf:o/r/small.gguf' },
  })
})

test.each([
  ['{', /JSON/],
  [{ models: { a: { file: 'hf:misspelt' } } }, /at models\.a\.file: .*hf:OWNER\/REPO/],
  [{ models: { a: { file: 'a', draft: 'hf:o/r:' } } }, /at models\.a\.draft: .*hf:OWNER\/REPO/],
  [{ models: { a: {} } }, /at models\.a\.file/],
  [{ models: { a: { file: 'a', contxt: 1 } } }, /at models\.a: .*contxt/],
  [{ models: { a: { file: 'a', context: 1 } } }, /at models\.a\.context/],
  [{ models: { a: { file: 'a', lora: { b: 1 } } } }, /at models\.a\.lora\.b/],
  [{ models: { a: { file: 'a', lora: { b: { file: 'b', scale: 101 } } } } }, /lora\.b/],
  [{ models: {}, idle: 1 }, /idle/],
])('a config file that is wrong is refused with its place: %j', (config, message) => {
  const file = written(config)
  expect(() => readConfig(file)).toThrow(message)
  expect(() => readConfig(file)).toThrow(file)
})

test('a config file that is not there is named', () => {
  expect(() => readConfig(join(folder, 'none.json'))).toThrow(/none\.json .*no such file/i)
})

describe('what a config file takes of a model', () => {
  const notOptions = ['file', 'chatTemplateFile', 'loadAtStart']
  const model = configSchema.shape.models.valueType
  const names = Object.keys(model.shape).filter((name) => !notOptions.includes(name))

  test('is every option of models(), by its name', () => {
    const options = Object.keys(pooledModelChecks).filter((name) => {
      return name !== 'model' && name !== 'chatTemplate'
    })
    expect(names.sort()).toEqual(options.sort())
  })

  const values = [
    ...[-2, -1, 0, 1, 2, 15, 16, 17, 31, 32, 100, 101, 256, 257, 512, 513, 0.5],
    ...[10, 12, 20, 24, 26, 30].flatMap((bits) => [2 ** bits, 2 ** bits + 1]),
    ...[65_536, 65_537, 2 ** 31 - 1, 2 ** 31],
    ...['auto', 'cuda', 'vulkan', 'metal', 'none', 'layer', 'f16', 'bf16', 'q8_0', 'q4_0', ''],
    ...['low', 'normal', 'medium', 'high', 'realtime', true, false],
    ...[[], [1], [-1], ['a'], [''], Array(17).fill(1)],
    ...[{}, { temperature: 0 }, { temperature: 101 }, { topP: 1.1 }, { seed: 1 }, { budget: -2 }],
    ...[{ repeatPenalty: 0 }, { repeatPenalty: 10 }, { budget: -1 }, { budgetMessage: 'a' }],
    ...[{ enabled: false }, { enabled: 'no' }],
  ]

  test.each(names)('has the range that models() has: %s', (name) => {
    for (const value of values) {
      const { success } = model.safeParse({ file: 'a.gguf', [name]: value })
      expect([value, success]).toEqual([value, isAccepted(name, value)])
    }
  })
})

function isAccepted(name: string, value: unknown): boolean {
  try {
    const beside = name === 'kvCells' ? { context: 32 } : {}
    parseModelsOptions({ models: { a: { ...beside, [name]: value } } })
    return true
  } catch (error) {
    // What only does not go together is not the business of a range.
    return !String(error).includes(`models.a.${name}`)
  }
}
