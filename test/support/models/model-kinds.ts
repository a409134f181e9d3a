/**
 * Random models of every kind of memory, for tests of what is remembered: plain attention, which
 * can be trimmed anywhere, and three kinds that can not; and two with MTP heads. They are made so
 * that text tells a wrong cell from a right one, which test/e2e/engine/load/model-kinds.test.ts
 * holds them to:
 *
 * - The likeliest token stands well above the next one, by the scale of the output weights, so
 *   that greedy text does not hang on how a sum was rounded.
 * - The whole context counts: another word anywhere makes another reply.
 * - A reply's tokens are single capitals, digits and marks, which no merge of the tokenizer takes
 *   in: as part of the next prompt they are the same tokens again.
 */

import {
  type GgufContent,
  type GgufMetadata,
  type GgufValue,
  ggufFloat32,
  ggufInt32s,
  ggufString,
  ggufUint32,
  type TensorSource,
  type TensorType,
  tensorBytes,
} from './gguf-writer.js'
import { cachedModel } from './model-cache.js'
import { constantTensor, Random, randomTensor, toHalf } from './random-weights.js'
import { CHATML_TEMPLATE, tinyTokenizer } from './tokenizers.js'

/** Of memory. */
export const MODEL_KINDS = ['plain', 'sliding-window', 'hybrid', 'recurrent'] as const

/** Those with MTP heads: the first has a plain one's memory, the other a hybrid one's. */
export const HEADED_KINDS = ['heads', 'hybrid-heads'] as const

export type ModelKind = (typeof MODEL_KINDS)[number] | (typeof HEADED_KINDS)[number]

export function hasHeads(kind: ModelKind): kind is (typeof HEADED_KINDS)[number] {
  return kind === 'heads' || kind === 'hybrid-heads'
}

/** Tokens that the sliding-window model's first layer looks back on; its second sees them all. */
export const SLIDING_WINDOW = 32

export interface KindOptions {
  /** Standard deviation of the logits. Default 8. */
  logitDeviation?: number
  /** The architecture's pooling_type: 1 is mean, 2 cls, 3 last. Default 0, none. */
  pooling?: number
  /** Its metadata says that it has MTP heads, and their layer is not in the file. Default false. */
  claimsHeads?: boolean
  /** Default 1. */
  seed?: number
}

type Shape = Required<KindOptions> & { kind: ModelKind }

/** As GGUF files name them. */
export const ARCHITECTURES = {
  plain: 'llama',
  heads: 'glm4moe',
  'sliding-window': 'gemma3',
  hybrid: 'falcon-h1',
  'hybrid-heads': 'qwen35',
  recurrent: 'mamba',
}
/** Of all matrices. With q8_0 llama.cpp's sums do not depend on the number of rows in a call. */
const MATRIX: TensorType = 'q8_0'
const LAYERS = 2
const WIDTH = 128
const INNER = 2 * WIDTH
const HEAD = 64 // as most have; with q8_0 llama.cpp rotates these, and only these
const HEADS = WIDTH / HEAD
const CONV = 4
const STATE = 16
const TIME_STEP_RANK = 32
const EXPERTS = 2
/** What the first layer of the model with heads adds, of which the heads know nothing. */
const UNKNOWN_GAIN = 0.2
/** The same of what the heads have beside a copy of the last layer. */
const GUESS_GAIN = 0.2
const CONTEXT = 8192

/** @returns the path of the file */
export function kindModel(kind: ModelKind, options: KindOptions = {}): string {
  const shape = shapeOf(kind, options)
  return cachedModel(kind, shape, () => contentOf(shape))
}

/** What an adapter of the model is made for. */
export function kindContent(kind: ModelKind): GgufContent {
  return contentOf(shapeOf(kind, {}))
}

function shapeOf(kind: ModelKind, options: KindOptions): Shape {
  const defaults = { logitDeviation: 8, pooling: 0, claimsHeads: false, seed: 1 }
  return { ...defaults, ...options, kind }
}

function contentOf(shape: Shape): GgufContent {
  const { metadata, pieces } = tinyTokenizer()
  return {
    metadata: new Map([...architectureOf(shape), ...metadata]),
    tensors: new Weights(shape).all(pieces.map(isForReplies), LAST_TOKENS),
  }
}

/** ChatML's marks, which no reply of these models holds. */
const LAST_TOKENS = 3

function isForReplies(piece: Uint8Array): boolean {
  return /^[!-`{-~]$/.test(Buffer.from(piece).toString('latin1'))
}

function architectureOf({ kind, pooling, claimsHeads }: Shape): GgufMetadata {
  const architecture = ARCHITECTURES[kind]
  const says = hasHeads(kind) || claimsHeads
  const keys: Record<string, GgufValue> = {
    block_count: ggufUint32(says ? LAYERS + 1 : LAYERS),
    context_length: ggufUint32(CONTEXT),
    embedding_length: ggufUint32(WIDTH),
    feed_forward_length: ggufUint32(kind === 'recurrent' ? 0 : INNER),
    'attention.layer_norm_rms_epsilon': ggufFloat32(1e-5),
    'attention.head_count': ggufUint32(kind === 'recurrent' ? 0 : HEADS),
    ...(kind === 'recurrent' ? {} : attentionKeys()),
    ...(says ? { nextn_predict_layers: ggufUint32(1) } : {}),
    ...(kind === 'heads' ? expertKeys() : {}),
    ...(kind === 'sliding-window' ? windowKeys() : {}),
    ...(kind === 'hybrid' ? { ...stateKeys(HEADS), 'ssm.group_count': ggufUint32(1) } : {}),
    ...(kind === 'hybrid-heads' ? deltaKeys() : {}),
    ...(kind === 'recurrent' ? stateKeys(TIME_STEP_RANK) : {}),
    ...(pooling === 0 ? {} : { pooling_type: ggufUint32(pooling) }),
  }
  const own = Object.entries(keys).map(([key, value]) => [`${architecture}.${key}`, value] as const)
  return new Map([
    ['general.architecture', ggufString(architecture)],
    ['general.name', ggufString(`random ${kind} model`)],
    ...own,
    ['tokenizer.chat_template', ggufString(CHATML_TEMPLATE)],
  ])
}

function attentionKeys(): Record<string, GgufValue> {
  return {
    'attention.head_count_kv': ggufUint32(HEADS),
    'attention.key_length': ggufUint32(HEAD),
    'attention.value_length': ggufUint32(HEAD),
    'rope.dimension_count': ggufUint32(HEAD),
  }
}

/** Experts are in the layer of the heads alone. */
function expertKeys(): Record<string, GgufValue> {
  return {
    leading_dense_block_count: ggufUint32(LAYERS),
    expert_count: ggufUint32(EXPERTS),
    expert_used_count: ggufUint32(1),
    expert_shared_count: ggufUint32(1),
    expert_feed_forward_length: ggufUint32(INNER),
  }
}

/** Every second layer sees the whole context. */
function windowKeys(): Record<string, GgufValue> {
  return {
    'attention.sliding_window': ggufUint32(SLIDING_WINDOW),
    'attention.sliding_window_pattern': ggufUint32(2),
  }
}

function stateKeys(timeStepRank: number): Record<string, GgufValue> {
  return {
    'ssm.conv_kernel': ggufUint32(CONV),
    'ssm.inner_size': ggufUint32(INNER),
    'ssm.state_size': ggufUint32(STATE),
    'ssm.time_step_rank': ggufUint32(timeStepRank),
  }
}

/** The first layer has a state, the second attention. */
function deltaKeys(): Record<string, GgufValue> {
  return {
    full_attention_interval: ggufUint32(LAYERS),
    'rope.dimension_sections': ggufInt32s([HEAD / 2, 0, 0, 0]),
    'ssm.conv_kernel': ggufUint32(CONV),
    'ssm.inner_size': ggufUint32(WIDTH),
    'ssm.state_size': ggufUint32(HEAD),
    'ssm.time_step_rank': ggufUint32(HEADS),
    'ssm.group_count': ggufUint32(HEADS),
  }
}

/** The tensors of one model, in an order that is part of its seed. */
class Weights {
  readonly #shape: Shape
  readonly #random: Random

  constructor(shape: Shape) {
    this.#shape = shape
    this.#random = new Random(shape.seed)
  }

  all(isWritten: boolean[], marks: number): TensorSource[] {
    const { kind, logitDeviation, claimsHeads } = this.#shape
    const vocabulary = isWritten.length + marks
    // Gemma multiplies its embeddings by the root of their length.
    const embedding = kind === 'sliding-window' ? 1 : Math.sqrt(WIDTH)
    const output = this.#matrix('output', WIDTH, vocabulary, logitDeviation)
    return [
      this.#matrix('token_embd', WIDTH, vocabulary, embedding),
      ...(hasHeads(kind)
        ? this.#layersAndHeads(claimsHeads)
        : Array.from({ length: LAYERS }, (_, i) => this.#layer(`blk.${i}`)).flat()),
      this.#filled('output_norm.weight', WIDTH, 1),
      { ...output, data: () => silenced(output.data(), isWritten) },
    ]
  }

  #layer(layer: string, gain = 1): TensorSource[] {
    const norm = this.#filled(`${layer}.attn_norm.weight`, WIDTH, 1)
    switch (this.#shape.kind) {
      case 'plain':
        return [norm, ...this.#attention(layer, 2), ...this.#feedForward(layer)]
      case 'heads':
        return [
          norm,
          ...this.#attention(layer, 2, gain),
          ...this.#feedForward(layer, 'post_attention_norm.weight', gain),
        ]
      case 'hybrid-heads':
        return [
          norm,
          ...(layer === 'blk.0' ? this.#delta(layer, gain) : this.#gatedAttention(layer, gain)),
          ...this.#feedForward(layer, 'post_attention_norm.weight', gain),
        ]
      case 'sliding-window':
        return [norm, ...this.#attention(layer, 1), ...this.#feedForward(layer)].concat([
          // Keys and queries come out of these with the deviation that the others have.
          this.#filled(`${layer}.attn_q_norm.weight`, HEAD, 2),
          this.#filled(`${layer}.attn_k_norm.weight`, HEAD, 2),
          this.#filled(`${layer}.post_attention_norm.weight`, WIDTH, 1),
          this.#filled(`${layer}.post_ffw_norm.weight`, WIDTH, 1),
        ])
      case 'hybrid':
        return [norm, ...this.#attention(layer, 2), ...this.#headedState(layer)].concat(
          this.#feedForward(layer, 'ffn_norm'),
        )
      case 'recurrent':
        return [norm, ...this.#state(layer)]
    }
  }

  /**
   * The heads have a copy of the last layer. It reads the token before as that one does, so they
   * are often right, and not always: by what they lack, and by what they have besides.
   */
  #layersAndHeads(withoutHeads: boolean): TensorSource[] {
    const [last, copy] = [1, 2].map(() => new Weights({ ...this.#shape, seed: -this.#shape.seed }))
    const layers = [...this.#layer('blk.0', UNKNOWN_GAIN), ...(last as Weights).#layer('blk.1')]
    return withoutHeads ? layers : [...layers, ...this.#heads('blk.2', copy as Weights)]
  }

  /** Of the token, and of what the model's last layer made of the one before. */
  #heads(layer: string, copy: Weights): TensorSource[] {
    return [
      ...(this.#shape.kind === 'heads' ? this.#experts(layer, copy) : copy.#layer(layer)),
      this.#joined(`${layer}.nextn.eh_proj.weight`),
      this.#filled(`${layer}.nextn.enorm.weight`, WIDTH, 1),
      this.#filled(`${layer}.nextn.hnorm.weight`, WIDTH, 1),
    ]
  }

  /** The copy is the expert that each token has. */
  #experts(layer: string, copy: Weights): TensorSource[] {
    const experts = (name: string, columns: number, rows: number, gain = 1) =>
      this.#weights(`${layer}.${name}_exps.weight`, MATRIX, [columns, rows, EXPERTS], gain)
    const isShared = (name: string) => /ffn_(gate|up|down)/.test(name)
    return [
      ...copy.#layer(layer).map((tensor) => {
        const name = tensor.name.replace('.weight', '_shexp.weight')
        return isShared(tensor.name) ? { ...tensor, name } : tensor
      }),
      this.#matrix(`${layer}.ffn_gate_inp`, WIDTH, EXPERTS),
      this.#filled(`${layer}.exp_probs_b.bias`, EXPERTS, 0),
      experts('ffn_gate', WIDTH, INNER),
      experts('ffn_up', WIDTH, INNER),
      experts('ffn_down', INNER, WIDTH, GUESS_GAIN),
    ]
  }

  /** Passes the token on as it is, and adds some of the hidden row. */
  #joined(name: string): TensorSource {
    const source = this.#weights(name, MATRIX, [2 * WIDTH, WIDTH], GUESS_GAIN)
    return { ...source, data: () => withIdentity(source.data()) }
  }

  #attention(layer: string, gain: number, outputGain = 1): TensorSource[] {
    return [
      this.#matrix(`${layer}.attn_q`, WIDTH, WIDTH, gain),
      this.#matrix(`${layer}.attn_k`, WIDTH, WIDTH, gain),
      this.#matrix(`${layer}.attn_v`, WIDTH, WIDTH),
      this.#matrix(`${layer}.attn_output`, WIDTH, WIDTH, outputGain),
    ]
  }

  #feedForward(layer: string, norm = 'ffn_norm.weight', outputGain = 1): TensorSource[] {
    return [
      this.#filled(`${layer}.${norm}`, WIDTH, 1),
      this.#matrix(`${layer}.ffn_gate`, WIDTH, INNER),
      this.#matrix(`${layer}.ffn_up`, WIDTH, INNER),
      this.#matrix(`${layer}.ffn_down`, INNER, WIDTH, outputGain),
    ]
  }

  /** Mamba: a state per channel. It fades over hundreds of tokens, so that early ones count. */
  #state(layer: string): TensorSource[] {
    return [
      this.#matrix(`${layer}.ssm_in`, WIDTH, 2 * INNER),
      this.#convolution(`${layer}.ssm_conv1d`, INNER),
      this.#filled(`${layer}.ssm_conv1d.bias`, INNER, 0),
      this.#matrix(`${layer}.ssm_x`, INNER, TIME_STEP_RANK + 2 * STATE, 2),
      this.#matrix(`${layer}.ssm_dt`, TIME_STEP_RANK, INNER),
      this.#filled(`${layer}.ssm_dt.bias`, INNER, TIME_STEP),
      this.#filled(`${layer}.ssm_a`, STATE, FADING, INNER),
      this.#filled(`${layer}.ssm_d`, INNER, 1),
      this.#matrix(`${layer}.ssm_out`, INNER, WIDTH, 2),
    ]
  }

  /** Mamba 2: a state per head. */
  #headedState(layer: string): TensorSource[] {
    const convolved = INNER + 2 * STATE
    return [
      this.#matrix(`${layer}.ssm_in`, WIDTH, INNER + convolved + HEADS),
      this.#convolution(`${layer}.ssm_conv1d`, convolved),
      this.#filled(`${layer}.ssm_conv1d.bias`, convolved, 0),
      this.#filled(`${layer}.ssm_dt.bias`, HEADS, TIME_STEP),
      this.#filled(`${layer}.ssm_a`, 1, FADING, HEADS),
      this.#filled(`${layer}.ssm_d`, 1, 1, HEADS),
      this.#matrix(`${layer}.ssm_out`, INNER, WIDTH, 2),
    ]
  }

  /** A gated delta net: a state per head, which fades as that of Mamba does. */
  #delta(layer: string, outputGain: number): TensorSource[] {
    const convolved = 3 * WIDTH
    return [
      this.#matrix(`${layer}.attn_qkv`, WIDTH, convolved),
      this.#matrix(`${layer}.attn_gate`, WIDTH, WIDTH),
      this.#convolution(`${layer}.ssm_conv1d`, convolved),
      this.#filled(`${layer}.ssm_dt.bias`, HEADS, TIME_STEP),
      this.#filled(`${layer}.ssm_a`, HEADS, FADING),
      this.#matrix(`${layer}.ssm_beta`, WIDTH, HEADS),
      this.#matrix(`${layer}.ssm_alpha`, WIDTH, HEADS),
      this.#filled(`${layer}.ssm_norm.weight`, HEAD, 1),
      this.#matrix(`${layer}.ssm_out`, WIDTH, WIDTH, outputGain),
    ]
  }

  /** A query comes with its gate, and is normalized as keys are. */
  #gatedAttention(layer: string, outputGain: number): TensorSource[] {
    return [
      this.#matrix(`${layer}.attn_q`, WIDTH, 2 * WIDTH),
      this.#matrix(`${layer}.attn_k`, WIDTH, WIDTH),
      this.#matrix(`${layer}.attn_v`, WIDTH, WIDTH),
      this.#matrix(`${layer}.attn_output`, WIDTH, WIDTH, outputGain),
      this.#filled(`${layer}.attn_q_norm.weight`, HEAD, 2),
      this.#filled(`${layer}.attn_k_norm.weight`, HEAD, 2),
    ]
  }

  #matrix(name: string, columns: number, rows: number, gain = 1): TensorSource {
    return this.#weights(`${name}.weight`, MATRIX, [columns, rows], gain)
  }

  #convolution(name: string, rows: number): TensorSource {
    return this.#weights(`${name}.weight`, 'f32', [CONV, rows], 1)
  }

  #weights(
    name: string,
    type: TensorType,
    shape: [number, number, number?],
    gain: number,
  ): TensorSource {
    const deviation = gain / Math.sqrt(shape[0])
    const sizes = shape.filter((size) => size !== undefined)
    const data = () => randomTensor(this.#random, type, sizes, deviation)
    return { name, type, shape: sizes, data }
  }

  #filled(name: string, columns: number, value: number, rows?: number): TensorSource {
    const shape = rows === undefined ? [columns] : [columns, rows]
    return { name, type: 'f32', shape, data: () => constantTensor(columns * (rows ?? 1), value) }
  }
}

/** Before the softplus, which makes about 0.05 of it: what a token adds to the state. */
const TIME_STEP = -3
/** With the time step above a state has lost two thirds of itself after some 400 tokens. */
const FADING = -0.05

/** A matrix of rows of 2 * WIDTH whose first half is the identity. */
function withIdentity(matrix: Uint8Array): Uint8Array {
  const blockBytes = tensorBytes(MATRIX, [32])
  const one = toHalf(1 / 127)
  for (let row = 0; row < WIDTH; row++) {
    const start = row * tensorBytes(MATRIX, [2 * WIDTH])
    matrix.fill(0, start, start + tensorBytes(MATRIX, [WIDTH]))
    const block = start + Math.floor(row / 32) * blockBytes
    matrix.set([one & 0xff, one >> 8], block)
    matrix[block + 2 + (row % 32)] = 127
  }
  return matrix
}

/** The output matrix without the rows of tokens that may not be written: their logit is 0. */
function silenced(matrix: Uint8Array, isWritten: boolean[]): Uint8Array {
  const rowBytes = tensorBytes(MATRIX, [WIDTH])
  for (let start = 0, token = 0; start < matrix.length; start += rowBytes, token++) {
    if (isWritten[token] !== true) matrix.fill(0, start, start + rowBytes)
  }
  return matrix
}
