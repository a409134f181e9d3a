/**
 * Random encoders of the BERT architecture, with BERT's own word pieces: what they say of a text
 * means nothing, but another text is another vector.
 */

import {
  type GgufMetadata,
  type GgufValue,
  ggufBool,
  ggufFloat32,
  ggufString,
  ggufUint32,
  type TensorSource,
  type TensorType,
} from './gguf-writer.js'
import { cachedModel } from './model-cache.js'
import { constantTensor, Random, randomTensor } from './random-weights.js'
import { tokenizerOf } from './tokenizers.js'

export interface EncoderOptions {
  /** bert.pooling_type: 1 is mean, 2 cls, 3 last, 4 rank; null leaves it out. Default 1. */
  pooling?: number | null
  /** Default 2. */
  layers?: number
  /** A multiple of 32, default 64. */
  embedding?: number
  /** Whether it has a reranker's head. Default: where pooling is 4. */
  head?: boolean
  /** Positions, default 512. */
  context?: number
  /** Metadata keys of the architecture to put in, or with null to leave out. */
  keys?: Record<string, GgufValue | null>
  /** Tensors that are of another type than f32 (token_embd: q8_0), by their names. */
  types?: Record<string, TensorType>
  /** Every weight of the last layer's norm, in place of 1: another number breaks the vectors. */
  lastNorm?: number
  /** Default 1. */
  seed?: number
}

type Settled = Required<EncoderOptions>

const HEAD = 32

/** About 2 MB. @returns the path of the file */
export function encoderModel(options: EncoderOptions = {}): string {
  const settled: Settled = {
    pooling: 1,
    layers: 2,
    embedding: 64,
    head: options.pooling === 4,
    context: 512,
    keys: {},
    types: {},
    lastNorm: 1,
    seed: 1,
    ...options,
  }
  return cachedModel('encoder', { ...settled, lastNorm: `${settled.lastNorm}` }, () => {
    const { metadata, vocabulary } = tokenizerOf('bert-bge')
    return {
      metadata: new Map([...architectureOf(settled), ...metadata]),
      tensors: tensorsOf(settled, vocabulary),
    }
  })
}

function architectureOf(model: Settled): GgufMetadata {
  const keys: Record<string, GgufValue | null> = {
    block_count: ggufUint32(model.layers),
    context_length: ggufUint32(model.context),
    embedding_length: ggufUint32(model.embedding),
    feed_forward_length: ggufUint32(model.embedding * 2),
    'attention.head_count': ggufUint32(model.embedding / HEAD),
    'attention.layer_norm_epsilon': ggufFloat32(1e-12),
    'attention.causal': ggufBool(false),
    pooling_type: model.pooling === null ? null : ggufUint32(model.pooling),
    ...model.keys,
  }
  const own = Object.entries(keys).flatMap(([key, value]): [string, GgufValue][] => {
    return value === null ? [] : [[`bert.${key}`, value]]
  })
  return new Map([
    ['general.architecture', ggufString('bert')],
    ['general.name', ggufString('random encoder')],
    ...own,
  ])
}

function tensorsOf(model: Settled, vocabulary: number): TensorSource[] {
  const random = new Random(model.seed)
  const width = model.embedding
  const weights = (
    name: string,
    columns: number,
    rows: number,
    deviation: number,
    usual: TensorType,
  ) => {
    const type = model.types[`${name}.weight`] ?? usual
    return {
      name: `${name}.weight`,
      type,
      shape: [columns, rows],
      data: () => randomTensor(random, type, [columns, rows], deviation),
    }
  }
  const matrix = (name: string, columns: number, rows: number, gain = 1) =>
    weights(name, columns, rows, gain / Math.sqrt(columns), 'f32')
  const filled = (name: string, value: number): TensorSource => {
    const type = model.types[name] ?? 'f32'
    const constant = () => constantTensor(width, value)
    const data = type === 'f32' ? constant : () => randomTensor(random, type, [width], 0.1)
    return { name, type, shape: [width], data }
  }
  const norm = (name: string, value = 1) => [
    filled(`${name}.weight`, value),
    filled(`${name}.bias`, 0),
  ]
  const layer = (i: number) => [
    matrix(`blk.${i}.attn_q`, width, width, 2),
    matrix(`blk.${i}.attn_k`, width, width, 2),
    matrix(`blk.${i}.attn_v`, width, width),
    matrix(`blk.${i}.attn_output`, width, width),
    ...norm(`blk.${i}.attn_output_norm`),
    matrix(`blk.${i}.ffn_up`, width, width * 2),
    matrix(`blk.${i}.ffn_down`, width * 2, width),
    ...norm(`blk.${i}.layer_output_norm`, i === model.layers - 1 ? model.lastNorm : 1),
  ]
  const head = (): TensorSource[] => [
    matrix('cls', width, width, 2),
    filled('cls.bias', 0),
    matrix('cls.output', width, 1, 4),
    { name: 'cls.output.bias', type: 'f32', shape: [1], data: () => constantTensor(1, 0.5) },
  ]
  return [
    weights('token_embd', width, vocabulary, 1, 'q8_0'),
    weights('token_types', width, 2, 0.1, 'f32'), // llama.cpp adds its row as it stands
    weights('position_embd', width, model.context, 0.5, 'f32'),
    ...norm('token_embd_norm'),
    ...Array.from({ length: model.layers }, (_, i) => layer(i)).flat(),
    ...(model.head ? head() : []),
  ]
}
