import { mkdtempSync, renameSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { load, SluiceError } from '../../../../src/index.js'
import {
  alignedBytes,
  type FuzzFile,
  readFuzzFile,
  splitFile,
} from '../../../support/fuzz/gguf-fuzz.js'
import { encoderModel } from '../../../support/models/encoder-model.js'
import { type GgufValue, ggufFloat32, ggufUint32 } from '../../../support/models/gguf-writer.js'
import { kindModel, MODEL_KINDS } from '../../../support/models/model-kinds.js'
import { randomModel } from '../../../support/models/random-model.js'
import { tableModel } from '../../../support/models/table-model.js'

const folder = mkdtempSync(path.join(tmpdir(), 'sluice-model-files-'))
afterAll(() => rmSync(folder, { recursive: true }))

const whole = readFuzzFile(randomModel())
const other = readFuzzFile(randomModel({ seed: 2 }))

async function textOf(model: string): Promise<string> {
  const engine = await load({ model, context: 128, parallel: 1, threads: 1 })
  try {
    return await engine.complete('Once upon a time', { maxTokens: 12, temperature: 0 }).text()
  } finally {
    await engine.close()
  }
}

async function refusalOf(model: string): Promise<SluiceError> {
  const error = await load({ model, context: 128, parallel: 1 }).then(
    () => undefined,
    (reason: unknown) => reason,
  )
  expect(error).toBeInstanceOf(SluiceError)
  return error as SluiceError
}

function fileOf(name: string, bytes: Uint8Array): string {
  const file = path.join(folder, name)
  writeFileSync(file, bytes)
  return file
}

/** @returns the path of a copy in which one value is another */
function withValue(model: string, key: string, value: GgufValue): string {
  const file = readFuzzFile(model)
  const at = file.metadata.findIndex(([name]) => name === key)
  expect(at).toBeGreaterThanOrEqual(0)
  file.metadata[at] = [key, value]
  return fileOf('changed.gguf', alignedBytes(file))
}

/** @returns the path of the first */
function writeParts(name: string, parts: FuzzFile[], alignments: number[] = []): string {
  const paths = parts.map((part, i) =>
    fileOf(partName(name, i, parts.length), alignedBytes(part, alignments[i])),
  )
  return paths[0] as string
}

function partName(name: string, index: number, parts: number): string {
  const five = (value: number) => `${value}`.padStart(5, '0')
  return `${name}-${five(index + 1)}-of-${five(parts)}.gguf`
}

describe('alignment', () => {
  test.each([1, 2, 4, 8, 16, 32, 64, 4096, 65536])(
    'of %i loads, with the same text',
    async (alignment) => {
      const model = fileOf(`aligned-${alignment}.gguf`, alignedBytes(whole, alignment))
      expect(await textOf(model)).toBe(await textOf(randomModel()))
    },
  )

  test('of an embedding model may be odd as well', async () => {
    const model = fileOf('encoder.gguf', alignedBytes(readFuzzFile(encoderModel()), 8))
    const vectors: number[][] = []
    for (const file of [model, encoderModel()]) {
      const engine = await load({ model: file })
      vectors.push([...((await engine.embed(['a fox'])).embeddings[0] as Iterable<number>)])
      await engine.close()
    }
    expect(vectors[0]).toEqual(vectors[1])
  })

  test('that is no power of two is refused', async () => {
    const error = await refusalOf(fileOf('aligned-48.gguf', alignedBytes(whole, 48)))
    expect(error.code).toBe('ERR_MODEL_INVALID')
    expect(error.message).toContain('general.alignment is 48, expected a power of two')
  })
})

describe('a split model', () => {
  test.each([2, 3, 5])('of %i parts loads, with the same text', async (count) => {
    const model = writeParts(`split-${count}`, splitFile(whole, count))
    expect(await textOf(model)).toBe(await textOf(randomModel()))
  })

  test('loads whose parts are aligned otherwise', async () => {
    const model = writeParts('mixed', splitFile(whole, 3), [32, 8, 4096])
    expect(await textOf(model)).toBe(await textOf(randomModel()))
  })

  test('without a part is not found, by the part that is missing', async () => {
    const model = writeParts('missing', splitFile(whole, 3))
    rmSync(path.join(folder, partName('missing', 1, 3)))
    const error = await refusalOf(model)
    expect(error.code).toBe('ERR_MODEL_NOT_FOUND')
    expect(error.message).toContain(partName('missing', 1, 3))
  })

  test('with a part that is cut short is refused, by that part', async () => {
    const model = writeParts('cut', splitFile(whole, 3))
    truncateSync(path.join(folder, partName('cut', 2, 3)), 5000)
    const error = await refusalOf(model)
    expect(error.code).toBe('ERR_MODEL_INVALID')
    expect(error.message).toContain(`${partName('cut', 2, 3)} is cut short`)
  })

  test('with a part of another model is refused, by that part', async () => {
    const model = writeParts('stranger', splitFile(whole, 3))
    const [, strange] = splitFile(other, 2)
    fileOf(partName('stranger', 1, 3), alignedBytes(strange as FuzzFile))
    const error = await refusalOf(model)
    expect(error.code).toBe('ERR_MODEL_INVALID')
    expect(error.message).toContain(partName('stranger', 1, 3))
    expect(error.message).toContain('expected part 2 of 3')
  })

  test('whose first part has another name is refused, with the name that it needs', async () => {
    const model = writeParts('named', splitFile(whole, 2))
    const renamed = path.join(folder, 'first.gguf')
    renameSync(model, renamed)
    const error = await refusalOf(renamed)
    expect(error.code).toBe('ERR_MODEL_INVALID')
    expect(error.message).toContain('must end in -00001-of-00002.gguf')
  })

  test('whose later part has a number that llama.cpp would assert on is refused', async () => {
    const [first, second] = splitFile(whole, 2) as [FuzzFile, FuzzFile]
    const metadata = second.metadata.map(([key, value]): FuzzFile['metadata'][number] => [
      key,
      key === 'split.no' ? ggufUint32(1) : value, // of another width than it reads
    ])
    const error = await refusalOf(writeParts('wide', [first, { ...second, metadata }]))
    expect(error.code).toBe('ERR_MODEL_INVALID')
    expect(error.message).toContain('is no part of a split model')
  })
})

describe('what cannot be computed is refused before it is computed', () => {
  const architectures = { plain: 'llama', 'sliding-window': 'gemma3', hybrid: 'falcon-h1' }

  test.each(MODEL_KINDS)('a negative epsilon of a %s model', async (kind) => {
    const architecture = kind === 'recurrent' ? 'mamba' : architectures[kind]
    const key = `${architecture}.attention.layer_norm_rms_epsilon`
    const error = await refusalOf(withValue(kindModel(kind), key, ggufFloat32(-1e-9)))
    expect(error.code).toBe('ERR_MODEL_INVALID')
    expect(error.message).toContain(`${key} is -1e-09, expected 0 to 1`)
  })

  test.each(['sliding-window', 'hybrid'] as const)(
    'rotated numbers beyond the head of a %s model',
    async (kind) => {
      const key = `${architectures[kind]}.rope.dimension_count`
      const error = await refusalOf(withValue(kindModel(kind), key, ggufUint32(66)))
      expect(error.code).toBe('ERR_MODEL_INVALID')
      expect(error.message).toContain('ROPE')
      expect(error.message).toContain("expected 2 dimensions to the head's size")
      const odd = await refusalOf(withValue(kindModel(kind), key, ggufUint32(63)))
      expect(odd.message).toContain(`${key} is 63, expected an even number`)
    },
  )

  test('a context beyond the positions that a model has a table of', async () => {
    const model = tableModel(128)
    const error = await load({ model, context: 129, parallel: 1 }).catch((reason) => reason)
    expect(error).toHaveProperty('code', 'ERR_MODEL_INVALID')
    expect(error.message).toContain('knows 128 positions, fewer than the 129 tokens')
    const engine = await load({ model, context: 128, parallel: 1 })
    const prompt = Array.from({ length: 120 }, (_, i) => i + 1)
    const reply = engine.complete(prompt, { maxTokens: 20, ignoreEos: true })
    expect((await reply.done).usage.promptTokens).toBe(120)
    await engine.close()
  })

  test('a weight of a type that it is not multiplied with', async () => {
    const file = readFuzzFile(kindModel('plain'))
    const tensors = file.tensors.map((tensor) =>
      tensor.name === 'blk.0.attn_q.weight'
        ? { ...tensor, type: 26, data: Buffer.alloc(65536) }
        : tensor,
    )
    const error = await refusalOf(fileOf('i32.gguf', alignedBytes({ ...file, tensors })))
    expect(error.code).toBe('ERR_MODEL_INVALID')
    expect(error.message).toContain('MUL_MAT of blk.0.attn_q.weight (types i32, f32)')
  })

  test('a weight that is scaled by, in a quantized type', async () => {
    const file = readFuzzFile(kindModel('recurrent'))
    const tensors = file.tensors.map((tensor) =>
      tensor.name === 'blk.0.ssm_d' ? { ...tensor, type: 8, data: Buffer.alloc(8 * 34) } : tensor,
    )
    const error = await refusalOf(fileOf('ssm.gguf', alignedBytes({ ...file, tensors })))
    expect(error.code).toBe('ERR_MODEL_INVALID')
    expect(error.message).toContain('MUL of blk.0.ssm_d (types f32, q8_0)')
  })
})
