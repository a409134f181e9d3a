/**
 * Random models of the llama architecture, written as GGUF files without Python. They speak
 * nonsense, but everything about them is real: tokenizer, template, KV cache, speed of a prefill.
 * Files are shared between tests and runs: the same options name the same file.
 */

import type { GgufContent, TensorSource, TensorType } from './gguf-writer.js'
import { type GgufMetadata, ggufBool, ggufFloat32, ggufString, ggufUint32 } from './gguf-writer.js'
import { cachedModel } from './model-cache.js'
import { constantTensor, Random, randomTensor } from './random-weights.js'
import {
  byteTokenizer,
  CHATML_TEMPLATE,
  type Marks,
  type TokenizerName,
  tokenizerOf,
} from './tokenizers.js'

export interface RandomModelOptions {
  /** Default 2. */
  layers?: number
  /** A multiple of 32 x heads, default 64. */
  embedding?: number
  /** A multiple of 32, default 2 x embedding. */
  feedForward?: number
  /** Default embedding / 32. */
  heads?: number
  /** Trained context in tokens, default 16,384. */
  context?: number
  /** Default 'tiny'. */
  tokenizer?: TokenizerName
  /** A tokenizer of bytes and these, in the place of that one. */
  marks?: Marks | null
  /** Default 'f32'. */
  weights?: TensorType
  /** Standard deviation of the logits: 0 makes all tokens equally likely. Default 3. */
  logitDeviation?: number
  /** null leaves it out. Default: ChatML. */
  chatTemplate?: string | null
  /** Further chat templates by their names: tokenizer.chat_template.NAME. Default: none. */
  namedTemplates?: Readonly<Record<string, string>>
  /** tokenizer.ggml.pre: how text is split before it is tokenized. Default: the tokenizer's own. */
  preTokenizer?: string | null
  /** Ids of the tokens that mark prefix, suffix and middle of a text with a gap. Default: none. */
  infill?: readonly [prefix: number, suffix: number, middle: number] | null
  /** llama.pooling_type: 1 is mean, 2 cls, 3 last, 4 rank. Default: none. */
  pooling?: number | null
  /** false lets every token see those after it, as an encoder's do. Default true. */
  causal?: boolean
  /** Default 1. */
  seed?: number
}

/** About 600 KB, and thousands of tokens a second. @returns the path of the file */
export function randomModel(options: RandomModelOptions = {}): string {
  return cachedModel('random', settle(options), () => randomModelContent(options))
}

/** What such a file holds, for whoever keeps it elsewhere. */
export function randomModelContent(options: RandomModelOptions): GgufContent {
  const settled = settle(options)
  const { metadata, vocabulary } =
    settled.marks === null ? tokenizerOf(settled.tokenizer) : byteTokenizer(settled.marks)
  const architecture = architectureOf(settled, vocabulary)
  return {
    metadata: new Map([
      ...architecture,
      ...metadata,
      ...preTokenizerOf(settled),
      ...namedTemplatesOf(settled),
      ...infillOf(settled),
      ...embeddingOf(settled),
    ]),
    tensors: tensorsOf(settled, vocabulary),
  }
}

/** A prompt of thousands of tokens keeps this one busy for seconds, to cancel in mid-prefill. */
export function largeRandomModel(options: RandomModelOptions = {}): string {
  return randomModel({ layers: 6, embedding: 512, weights: 'q8_0', ...options })
}

type Settled = Required<RandomModelOptions>

function settle(options: RandomModelOptions): Settled {
  const embedding = options.embedding ?? 64
  return {
    layers: 2,
    embedding,
    feedForward: embedding * 2,
    heads: embedding / 32,
    context: 16384,
    tokenizer: 'tiny',
    marks: null,
    weights: 'f32',
    logitDeviation: 3,
    chatTemplate: CHATML_TEMPLATE,
    namedTemplates: {},
    preTokenizer: null,
    infill: null,
    pooling: null,
    causal: true,
    seed: 1,
    ...options,
  }
}

function preTokenizerOf({ preTokenizer }: Settled): GgufMetadata {
  if (preTokenizer === null) return new Map()
  return new Map([['tokenizer.ggml.pre', ggufString(preTokenizer)]])
}

function namedTemplatesOf({ namedTemplates }: Settled): GgufMetadata {
  return new Map(
    Object.entries(namedTemplates).map(([name, text]) => [
      `tokenizer.chat_template.${name}`,
      ggufString(text),
    ]),
  )
}

function infillOf({ infill }: Settled): GgufMetadata {
  if (infill === null) return new Map()
  return new Map(
    ['pre', 'suf', 'mid'].map((name, i) => [
      `tokenizer.ggml.fim_${name}_token_id`,
      ggufUint32(infill[i] ?? 0),
    ]),
  )
}

function embeddingOf({ pooling, causal }: Settled): GgufMetadata {
  const metadata: GgufMetadata = new Map()
  if (pooling !== null) metadata.set('llama.pooling_type', ggufUint32(pooling))
  if (!causal) metadata.set('llama.attention.causal', ggufBool(false))
  return metadata
}

/** The keys that llama.cpp needs of a llama model, tokenizer apart. */
export function architectureOf(
  model: Pick<Settled, 'layers' | 'embedding' | 'feedForward' | 'heads' | 'context'> & {
    chatTemplate: string | null
  },
  vocabulary: number,
): GgufMetadata {
  const metadata: GgufMetadata = new Map([
    ['general.architecture', ggufString('llama')],
    ['general.name', ggufString('random model')],
    ['llama.block_count', ggufUint32(model.layers)],
    ['llama.context_length', ggufUint32(model.context)],
    ['llama.embedding_length', ggufUint32(model.embedding)],
    ['llama.feed_forward_length', ggufUint32(model.feedForward)],
    ['llama.attention.head_count', ggufUint32(model.heads)],
    ['llama.attention.head_count_kv', ggufUint32(model.heads)],
    ['llama.attention.layer_norm_rms_epsilon', ggufFloat32(1e-5)],
    ['llama.rope.dimension_count', ggufUint32(model.embedding / model.heads)],
    ['llama.vocab_size', ggufUint32(vocabulary)],
  ])
  if (model.chatTemplate !== null) {
    metadata.set('tokenizer.chat_template', ggufString(model.chatTemplate))
  }
  return metadata
}

function tensorsOf(model: Settled, vocabulary: number): TensorSource[] {
  const random = new Random(model.seed)
  const { embedding: width, feedForward: inner } = model
  const matrix = (name: string, columns: number, rows: number, gain = 1): TensorSource => ({
    name: `${name}.weight`,
    type: model.weights,
    shape: [columns, rows],
    data: () => randomTensor(random, model.weights, [columns, rows], gain / Math.sqrt(columns)),
  })
  const norm = (name: string): TensorSource => ({
    name: `${name}.weight`,
    type: 'f32',
    shape: [width],
    data: () => constantTensor(width, 1),
  })
  const layer = (i: number) => [
    norm(`blk.${i}.attn_norm`),
    matrix(`blk.${i}.attn_q`, width, width, 2),
    matrix(`blk.${i}.attn_k`, width, width, 2),
    matrix(`blk.${i}.attn_v`, width, width),
    matrix(`blk.${i}.attn_output`, width, width),
    norm(`blk.${i}.ffn_norm`),
    matrix(`blk.${i}.ffn_gate`, width, inner),
    matrix(`blk.${i}.ffn_up`, width, inner),
    matrix(`blk.${i}.ffn_down`, inner, width),
  ]
  return [
    matrix('token_embd', width, vocabulary, Math.sqrt(width)),
    ...Array.from({ length: model.layers }, (_, i) => layer(i)).flat(),
    norm('output_norm'),
    matrix('output', width, vocabulary, model.logitDeviation),
  ]
}
