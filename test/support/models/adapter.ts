/**
 * Random LoRA adapters for random models, and the same model with an adapter merged into its
 * weights: what both say must be the same.
 */

import { writeFileSync } from 'node:fs'
import type { GgufContent, GgufMetadata, TensorSource } from './gguf-writer.js'
import { ggufFloat32, ggufString, writeGguf } from './gguf-writer.js'
import { cachedModel } from './model-cache.js'
import { Random, randomTensor } from './random-weights.js'

export interface AdapterOptions {
  /** Default 1. */
  seed?: number
  /** Default 4. */
  rank?: number
  /** Default 8; llama.cpp's scale is that of the request times alpha / rank. */
  alpha?: number
  /** Which weights it changes, of those that are matrices. Default: all of the layers'. */
  changes?: (name: string) => boolean
  /** How much it changes them, as a part of their own size. Default 0.7. */
  strength?: number
  /** Default 'llama'. */
  architecture?: string
}

/** The two matrices of one weight: a row of `a` is as long as the input. */
interface Pair {
  name: string
  columns: number
  rows: number
  /** rank x columns. */
  a: Float32Array
  /** rows x rank. */
  b: Float32Array
}

const isOfLayer = (name: string) => name.startsWith('blk.')

function settled(options: AdapterOptions) {
  return {
    seed: 1,
    rank: 4,
    alpha: 8,
    strength: 0.7,
    architecture: 'llama',
    ...options,
    changes: options.changes ?? isOfLayer,
  }
}

function pairsOf(model: GgufContent, options: AdapterOptions): Pair[] {
  const { seed, rank, alpha, strength, changes } = settled(options)
  const random = new Random(seed + 1000)
  const matrices = model.tensors.filter(({ name, shape }) => shape.length === 2 && changes(name))
  return matrices.map(({ name, shape: [columns = 0, rows = 0] }) => {
    // So that scale * b * a is about as large as a weight of a deviation of 1 / sqrt(columns).
    const deviation = Math.sqrt(strength / ((alpha / rank) * Math.sqrt(rank * columns)))
    const matrix = (count: number) => {
      const bytes = randomTensor(random, 'f32', [count], deviation)
      return new Float32Array(bytes.buffer, bytes.byteOffset, count)
    }
    return { name, columns, rows, a: matrix(columns * rank), b: matrix(rows * rank) }
  })
}

/** What an adapter's file says of itself. */
export function adapterMetadata(alpha = 8, architecture = 'llama'): GgufMetadata {
  return new Map([
    ['general.type', ggufString('adapter')],
    ['general.architecture', ggufString(architecture)],
    ['adapter.type', ggufString('lora')],
    ['adapter.lora.alpha', ggufFloat32(alpha)],
  ])
}

export function adapterContent(model: GgufContent, options: AdapterOptions = {}): GgufContent {
  const { rank, alpha, architecture } = settled(options)
  const tensors = pairsOf(model, options).flatMap(({ name, columns, rows, a, b }) => {
    // Embeddings are looked up: llama.cpp has their matrices the other way round.
    const isLookedUp = name === 'token_embd.weight'
    return isLookedUp
      ? [
          tensor(`${name}.lora_a`, [rank, rows], b),
          tensor(`${name}.lora_b`, [rank, columns], transposed(a, rank, columns)),
        ]
      : [tensor(`${name}.lora_a`, [columns, rank], a), tensor(`${name}.lora_b`, [rank, rows], b)]
  })
  return { metadata: adapterMetadata(alpha, architecture), tensors }
}

/** The model's own weights plus scale times those of each adapter. They must be of f32. */
export function mergedContent(
  model: GgufContent,
  adapters: readonly { options: AdapterOptions; scale?: number }[],
): GgufContent {
  const added = adapters.flatMap(({ options, scale = 1 }) => {
    const { rank, alpha } = settled(options)
    return pairsOf(model, options).map((pair) => ({
      ...pair,
      rank,
      factor: (scale * alpha) / rank,
    }))
  })
  const tensors = model.tensors.map((own): TensorSource => {
    const pairs = added.filter(({ name }) => name === own.name)
    if (pairs.length === 0) return own
    return { ...own, data: () => merged(own, pairs) }
  })
  return { metadata: model.metadata, tensors }
}

function merged(own: TensorSource, pairs: readonly (Pair & { rank: number; factor: number })[]) {
  if (own.type !== 'f32') throw new Error(`${own.name} is of ${own.type}, expected f32`)
  const bytes = own.data()
  const weights = new Float32Array(bytes.slice().buffer)
  for (const { columns, rows, a, b, rank, factor } of pairs) {
    for (let row = 0; row < rows; row++) {
      for (let column = 0; column < columns; column++) {
        let sum = 0
        for (let r = 0; r < rank; r++) {
          sum += (b[row * rank + r] as number) * (a[r * columns + column] as number)
        }
        const at = row * columns + column
        weights[at] = (weights[at] as number) + factor * sum
      }
    }
  }
  return new Uint8Array(weights.buffer)
}

function transposed(values: Float32Array, rows: number, columns: number): Float32Array {
  const turned = new Float32Array(values.length)
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      turned[column * rows + row] = values[row * columns + column] as number
    }
  }
  return turned
}

/** @returns the path of the file */
export function randomAdapter(
  name: string,
  model: () => GgufContent,
  options: AdapterOptions = {},
): string {
  const key = { name, ...options, changes: `${options.changes}` }
  return cachedModel('adapter', key, () => adapterContent(model(), options))
}

function tensor(name: string, shape: number[], values: Float32Array): TensorSource {
  return { name, type: 'f32', shape, data: () => new Uint8Array(values.slice().buffer) }
}

/** For files that are not shared. */
export function writeContent(path: string, { metadata, tensors }: GgufContent): string {
  writeGguf(path, metadata, tensors)
  return path
}

export function writeNonsense(path: string): string {
  writeFileSync(path, 'this is no adapter')
  return path
}
