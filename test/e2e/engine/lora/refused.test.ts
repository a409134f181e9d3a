import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { type CompletionOptions, estimate, type LoadOptions, load } from '../../../../src/index.js'
import {
  type AdapterOptions,
  adapterContent,
  adapterMetadata,
  randomAdapter,
  writeContent,
  writeNonsense,
} from '../../../support/models/adapter.js'
import { ggufFloat32, ggufInt32s, ggufString } from '../../../support/models/gguf-writer.js'
import {
  type RandomModelOptions,
  randomModel,
  randomModelContent,
} from '../../../support/models/random-model.js'
import { suiteLoader } from '../../../support/suite-engines.js'

// Adapters that cannot be used, and requests for such that are not there.

const own: RandomModelOptions = { seed: 7 }
const content = () => randomModelContent(own)
const model = randomModel(own)
const red: AdapterOptions = { seed: 1 }
const lora = { red: randomAdapter('random', content, red) }
const options = { context: 512, gpu: false, parallel: 4 } satisfies LoadOptions
const loaded = suiteLoader()
const temp = fs.mkdtempSync(path.join(os.tmpdir(), 'sluice-lora-'))
afterAll(() => fs.rmSync(temp, { recursive: true, force: true }))

describe('a load with adapters is refused, and says why', () => {
  const at = (name: string) => path.join(temp, `${name}.gguf`)
  const small = () => randomModelContent({ ...own, embedding: 32 })
  const changed = (change: (content: ReturnType<typeof adapterContent>) => void) => {
    const made = adapterContent(content(), red)
    change(made)
    return made
  }
  const files: [string, () => string, RegExp, string][] = [
    ['no file', () => at('nowhere'), /No model file/, 'ERR_MODEL_NOT_FOUND'],
    ['no GGUF', () => writeNonsense(at('nonsense')), /GGUF/, 'ERR_MODEL_INVALID'],
    ['a model', () => model, /no adapter/, 'ERR_MODEL_INVALID'],
    [
      'another size',
      () => writeContent(at('small'), adapterContent(small(), red)),
      /shape/,
      'ERR_MODEL_INVALID',
    ],
    [
      'another architecture',
      () =>
        writeContent(
          at('other'),
          changed(({ metadata }) => metadata.set('general.architecture', ggufString('gemma'))),
        ),
      /arch/,
      'ERR_MODEL_INVALID',
    ],
    [
      'another kind of adapter',
      () =>
        writeContent(
          at('kind'),
          changed(({ metadata }) => metadata.set('adapter.type', ggufString('control_vector'))),
        ),
      /kind/,
      'ERR_MODEL_INVALID',
    ],
    [
      'an aLoRA',
      () =>
        writeContent(
          at('alora'),
          changed(({ metadata }) =>
            metadata.set('adapter.alora.invocation_tokens', ggufInt32s([1, 2])),
          ),
        ),
      /aLoRA/,
      'ERR_MODEL_INVALID',
    ],
    [
      'an alpha that is a text',
      () =>
        writeContent(
          at('alpha'),
          changed(({ metadata }) => metadata.set('adapter.lora.alpha', ggufString('8'))),
        ),
      /alpha/,
      'ERR_MODEL_INVALID',
    ],
    [
      'an alpha that is no number',
      () =>
        writeContent(
          at('nan'),
          changed(({ metadata }) => metadata.set('adapter.lora.alpha', ggufFloat32(Number.NaN))),
        ),
      /alpha/,
      'ERR_MODEL_INVALID',
    ],
    [
      'half of a pair',
      () =>
        writeContent(
          at('half'),
          changed(({ tensors }) => tensors.pop()),
        ),
      /one of its two/,
      'ERR_MODEL_INVALID',
    ],
    [
      'ranks that differ',
      () =>
        writeContent(
          at('ranks'),
          changed(({ tensors }) => {
            const [a] = tensors
            if (a) Object.assign(a, { shape: [64, 2], data: () => new Uint8Array(64 * 2 * 4) })
          }),
        ),
      /lora_a/,
      'ERR_MODEL_INVALID',
    ],
    [
      'a weight that the model has not',
      () =>
        writeContent(
          at('unknown'),
          changed(({ tensors }) => {
            for (const one of tensors) one.name = one.name.replace('blk.1', 'blk.9')
          }),
        ),
      /does not exist/,
      'ERR_MODEL_INVALID',
    ],
    [
      'matrices for experts that the model has not',
      () =>
        writeContent(
          at('experts'),
          changed(({ tensors }) => {
            const [a] = tensors
            if (a) Object.assign(a, { shape: [64, 4, 2], data: () => new Uint8Array(64 * 8 * 4) })
          }),
        ),
      /experts/,
      'ERR_MODEL_INVALID',
    ],
    [
      'no weights',
      () => writeContent(at('empty'), { metadata: adapterMetadata(), tensors: [] }),
      /no weights/,
      'ERR_MODEL_INVALID',
    ],
    [
      'one that is cut short',
      () => {
        const file = writeContent(at('cut'), adapterContent(content(), red))
        fs.truncateSync(file, fs.statSync(file).size - 2000)
        return file
      },
      /cut short/,
      'ERR_MODEL_INVALID',
    ],
  ]

  test.each(files)('where it is given %s', async (_, file, message, code) => {
    const asked = { ...options, model, lora: { bad: file() } }
    await expect(load(asked)).rejects.toMatchObject({
      code,
      message: expect.stringMatching(message),
    })
  })

  test('where the engine embeds', async () => {
    const asked = { ...options, model, embeddings: true, lora }
    await expect(load(asked)).rejects.toMatchObject({ code: 'ERR_MODEL_INVALID' })
    await expect(estimate(asked)).rejects.toMatchObject({ code: 'ERR_MODEL_INVALID' })
  })
})

describe('a request is refused', () => {
  test('for adapters that are not there, and for scales that are none', async () => {
    const engine = await loaded({ ...options, model, lora })
    const wrong = [
      'green',
      { green: 1 },
      { red: Number.NaN },
      { red: Number.POSITIVE_INFINITY },
      { red: 101 },
      { red: '1' },
      7,
    ]
    for (const asked of wrong) {
      const given = { lora: asked } as unknown as CompletionOptions
      expect(() => engine.complete('a', given)).toThrow(
        expect.objectContaining({ code: 'ERR_INVALID_OPTION' }),
      )
    }
    const without = await loaded({ ...options, model })
    expect(() => without.complete('a', { lora: 'red' })).toThrow(/no adapters/)
  })
})
