import { readFileSync, statSync, unlinkSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { cpuMsOf } from '../processor/cpu-time.js'
import { badTensorOffsetGguf, truncatedGguf } from './broken-gguf.js'
import { ggufArrayLength, ggufStringOf, ggufUint32Of, readGgufMetadata } from './gguf-reader.js'
import { ggufHeader, type TensorType, tensorBytes } from './gguf-writer.js'
import { largeRandomModel, randomModel } from './random-model.js'
import { Random, randomTensor, toHalf } from './random-weights.js'
import { distinctPieces, scriptModel } from './script-model.js'
import { tinyTokenizer } from './tokenizers.js'

describe('random models', () => {
  test('have the same file name for the same options, and another for others', () => {
    expect(randomModel()).toBe(randomModel({ layers: 2 }))
    expect(randomModel({ seed: 2 })).not.toBe(randomModel())
  })

  test('hold their metadata as it was asked for', () => {
    const metadata = readGgufMetadata(randomModel({ context: 2048, heads: 1 }))
    expect(ggufStringOf(metadata, 'general.architecture')).toBe('llama')
    expect(ggufUint32Of(metadata, 'llama.context_length')).toBe(2048)
    expect(ggufUint32Of(metadata, 'llama.attention.head_count')).toBe(1)
    expect(ggufStringOf(metadata, 'tokenizer.chat_template')).toContain('<|im_start|>')
  })

  test('have no chat template where none was asked for', () => {
    const metadata = readGgufMetadata(randomModel({ chatTemplate: null }))
    expect(metadata.has('tokenizer.chat_template')).toBe(false)
  })

  test('have all tokens of a copied tokenizer', () => {
    const metadata = readGgufMetadata(randomModel({ tokenizer: 'llama-spm' }))
    expect(ggufArrayLength(metadata, 'tokenizer.ggml.tokens')).toBe(32000)
    expect(ggufUint32Of(metadata, 'tokenizer.ggml.eos_token_id')).toBe(2)
  })

  test('are written in under two seconds of work where they are large', async () => {
    let path = ''
    const cpuMs = await cpuMsOf(() => {
      path = largeRandomModel({ seed: Math.floor(Math.random() * 1e9) })
    })
    const { size } = statSync(path)
    unlinkSync(path)
    expect(size).toBeGreaterThan(15e6)
    expect(cpuMs).toBeLessThan(2000)
  })
})

describe('weights', () => {
  test.each<TensorType>(['f32', 'f16', 'q8_0'])(
    'of %s have the deviation that was asked for',
    (type) => {
      const values = decode(type, randomTensor(new Random(7), type, [32, 1000], 0.5))
      const mean = values.reduce((sum, value) => sum + value, 0) / values.length
      const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length
      expect(values.length).toBe(32000)
      expect(Math.abs(mean)).toBeLessThan(0.02)
      expect(Math.sqrt(variance)).toBeCloseTo(0.5, 1)
    },
  )

  test.each([
    [0, 0],
    [1, 0x3c00],
    [-2, 0xc000],
    [65504, 0x7bff],
    [2 ** -14, 0x0400],
    [2 ** -24, 0x0001],
  ])('of %f are 0x%s in half precision', (value, bits) => {
    expect(toHalf(value)).toBe(bits)
  })
})

describe('script models', () => {
  test('have pieces that join to the text, and none of them comes twice', () => {
    const text = Buffer.from('日本語 日本語 über die Füchse 🦊🦊🦊 and the the the end')
    const pieces = distinctPieces(text, tinyTokenizer().pieces)
    expect(Buffer.concat(pieces).toString()).toBe(text.toString())
    expect(new Set(pieces.map((piece) => piece.toString('hex'))).size).toBe(pieces.length)
  })

  test('have characters beyond ASCII split across tokens', () => {
    const pieces = distinctPieces(Buffer.from('日本語と狐'), tinyTokenizer().pieces)
    expect(pieces.some((piece) => piece.toString().includes('\ufffd'))).toBe(true)
  })

  test('have no token of the vocabulary twice', () => {
    const text = Buffer.from('the little fox said the word aaaaaa')
    const { tokens } = tinyTokenizer(distinctPieces(text, tinyTokenizer().pieces))
    expect(new Set(tokens).size).toBe(tokens.length)
  })

  test('refuse a text with no piece of its own', () => {
    expect(() => scriptModel({ reply: 'a' })).toThrow('too short')
  })
})

describe('broken files', () => {
  test('that are truncated have exactly the bytes that were asked for', () => {
    const path = randomModel()
    const cut = truncatedGguf(path, 1000)
    expect(readFileSync(cut)).toEqual(readFileSync(path).subarray(0, 1000))
  })

  test('with a bad offset differ in the eight bytes of the offset, and in nothing else', () => {
    const path = randomModel()
    const good = readFileSync(path)
    const bad = readFileSync(badTensorOffsetGguf(path, 'output.weight', 0xffff_ffff_ffffn))
    const changed = [...good.keys()].filter((at) => good[at] !== bad[at])
    expect(changed.length).toBeGreaterThan(0)
    expect(Math.max(...changed) - Math.min(...changed)).toBeLessThan(8)
  })

  test('have a header that says where each tensor begins', () => {
    const tensors = [
      { name: 'a', type: 'f32' as const, shape: [3] },
      { name: 'b', type: 'q8_0' as const, shape: [32, 2] },
    ]
    const header = ggufHeader(new Map(), tensors)
    expect(header.length % 32).toBe(0)
    expect(header.readBigUInt64LE(8)).toBe(2n)
    const offsetOfB = header.indexOf('b', 24) + 1 + 4 + 16 + 4
    expect(header.readBigUInt64LE(offsetOfB)).toBe(32n)
  })
})

function decode(type: TensorType, data: Uint8Array): number[] {
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength)
  const elements = 32000
  expect(data.byteLength).toBe(tensorBytes(type, [elements]))
  return Array.from({ length: elements }, (_, i) => {
    if (type === 'f32') return view.getFloat32(i * 4, true)
    if (type === 'f16') return fromHalf(view.getUint16(i * 2, true))
    const block = Math.floor(i / 32) * 34
    return fromHalf(view.getUint16(block, true)) * view.getInt8(block + 2 + (i % 32))
  })
}

function fromHalf(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1
  const exponent = (bits >> 10) & 31
  const fraction = bits & 0x3ff
  if (exponent === 0) return sign * fraction * 2 ** -24
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15)
}
