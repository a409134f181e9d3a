/** Random models of the GPT-2 architecture, which looks up a position's vector in a table. */
import {
  type GgufValue,
  ggufFloat32,
  ggufString,
  ggufUint32,
  type TensorSource,
} from './gguf-writer.js'
import { cachedModel } from './model-cache.js'
import { constantTensor, Random, randomTensor } from './random-weights.js'
import { tokenizerOf } from './tokenizers.js'

const WIDTH = 64

/** @param positions the table's length @returns the path of the file */
export function tableModel(positions: number): string {
  return cachedModel('table', { positions }, () => {
    const { metadata, vocabulary } = tokenizerOf('tiny')
    const keys: Record<string, GgufValue> = {
      block_count: ggufUint32(1),
      context_length: ggufUint32(positions),
      embedding_length: ggufUint32(WIDTH),
      feed_forward_length: ggufUint32(2 * WIDTH),
      'attention.head_count': ggufUint32(2),
      'attention.layer_norm_epsilon': ggufFloat32(1e-5),
    }
    const own = Object.entries(keys).map(([key, value]) => [`gpt2.${key}`, value] as const)
    return {
      metadata: new Map([['general.architecture', ggufString('gpt2')], ...own, ...metadata]),
      tensors: tensorsOf(positions, vocabulary),
    }
  })
}

function tensorsOf(positions: number, vocabulary: number): TensorSource[] {
  const random = new Random(1)
  const matrix = (name: string, columns: number, rows: number): TensorSource => ({
    name: `${name}.weight`,
    type: 'f32',
    shape: [columns, rows],
    data: () => randomTensor(random, 'f32', [columns, rows], 1 / Math.sqrt(columns)),
  })
  const filled = (name: string, length: number, value: number): TensorSource => ({
    name,
    type: 'f32',
    shape: [length],
    data: () => constantTensor(length, value),
  })
  const norm = (name: string) => [
    filled(`${name}.weight`, WIDTH, 1),
    filled(`${name}.bias`, WIDTH, 0),
  ]
  const linear = (name: string, columns: number, rows: number) => [
    matrix(name, columns, rows),
    filled(`${name}.bias`, rows, 0),
  ]
  return [
    matrix('token_embd', WIDTH, vocabulary),
    matrix('position_embd', WIDTH, positions),
    ...norm('output_norm'),
    ...norm('blk.0.attn_norm'),
    ...linear('blk.0.attn_qkv', WIDTH, 3 * WIDTH),
    ...linear('blk.0.attn_output', WIDTH, WIDTH),
    ...norm('blk.0.ffn_norm'),
    ...linear('blk.0.ffn_up', WIDTH, 2 * WIDTH),
    ...linear('blk.0.ffn_down', 2 * WIDTH, WIDTH),
  ]
}
