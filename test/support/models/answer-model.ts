/**
 * A model that decides as it is told: its one attention head finds the latest mark in the prompt,
 * wherever that stands, and what it says first is that mark's answer. It can be given a taste of
 * its own, as real models have one for a label.
 */
import { type GgufContent, ggufFloat32, ggufUint32, type TensorSource } from './gguf-writer.js'
import { HalfMatrix } from './half-matrix.js'
import { cachedModel } from './model-cache.js'
import { architectureOf } from './random-model.js'
import { constantTensor } from './random-weights.js'
import { CHATML_TEMPLATE, tinyTokenizer } from './tokenizers.js'

interface Told {
  /** Text of ASCII. Of several in a prompt the last one of this list counts. */
  readonly mark: string
  /** One of the model's words, or one character; or several, as likely as each other. */
  readonly says: string | readonly string[]
}

export interface AnswerModelOptions {
  /** At most 60. */
  told: readonly Told[]
  /** Texts that are one token each. Default: yes and no. */
  words?: readonly string[]
  /** How much it does as it is told. Default 100: always. */
  strength?: number
  /** What it says rather than anything else, and how much so. Default: nothing. */
  taste?: { says: string; strength: number }
  chatTemplate?: string
}

const WIDTH = 256
const HEAD = 64
const TOLD_MAX = 60
/** All tokens have it. */
const ANY = 0
/** Of a mark: the later, the more. */
const LATENESS = 1
const MARK = 2
/** What the head finds: the latest mark. */
const FOUND = MARK + TOLD_MAX
/** Of the head's numbers, one that RoPE does not turn at this base. */
const STILL = HEAD - 2
const ROPE_BASE = 1e20
const LENGTH = 14

/** @returns the path of the file */
export function answerModel(options: AnswerModelOptions): string {
  return cachedModel('answer', options, () => answerModelContent(options))
}

/** What such a file holds, for whoever keeps it elsewhere. */
export function answerModelContent(options: AnswerModelOptions): GgufContent {
  const { told, words = ['yes', 'no'], chatTemplate = CHATML_TEMPLATE } = options
  if (told.length > TOLD_MAX) throw new Error(`expected ${TOLD_MAX} marks at most`)
  const known = tinyTokenizer().tokens
  const missing = words.filter((word) => !known.includes(word))
  const marks = told.map(({ mark }) => mark)
  const { metadata, vocabulary, tokens } = tinyTokenizer([], [...missing, ...marks])
  const shape = { layers: 1, embedding: WIDTH, feedForward: 32, heads: 1, context: 16_384 }
  const architecture = architectureOf({ ...shape, chatTemplate }, vocabulary)
  const head = ['attention.key_length', 'attention.value_length', 'rope.dimension_count']
  for (const key of head) architecture.set(`llama.${key}`, ggufUint32(HEAD))
  architecture.set('llama.rope.freq_base', ggufFloat32(ROPE_BASE))
  return {
    metadata: new Map([...architecture, ...metadata]),
    tensors: tensorsOf(options, vocabulary, (text) => tokens.lastIndexOf(text)),
  }
}

function tensorsOf(
  { told, strength = 100, taste }: AnswerModelOptions,
  vocabulary: number,
  tokenOf: (text: string) => number,
): TensorSource[] {
  const weights = (name: string, shape: [number, number], fill: (matrix: HalfMatrix) => void) => ({
    name: `${name}.weight`,
    type: 'f16' as const,
    shape,
    data: () => {
      const matrix = new HalfMatrix(shape)
      fill(matrix)
      return matrix.bytes
    },
  })
  const ones = (name: string) => ({
    name: `${name}.weight`,
    type: 'f32' as const,
    shape: [WIDTH],
    data: () => constantTensor(WIDTH, 1),
  })
  const nothing = () => undefined
  return [
    weights('token_embd', [WIDTH, vocabulary], (matrix) => {
      for (let token = 0; token < vocabulary; token++) matrix.set(token, ANY, LENGTH)
      for (const [i, { mark }] of told.entries()) {
        matrix.set(tokenOf(mark), LATENESS, (i + 1) / 8)
        matrix.set(tokenOf(mark), MARK + i, 4)
      }
    }),
    ones('blk.0.attn_norm'),
    weights('blk.0.attn_q', [WIDTH, HEAD], (q) => q.set(STILL, ANY, 100)),
    weights('blk.0.attn_k', [WIDTH, HEAD], (k) => k.set(STILL, LATENESS, 2)),
    weights('blk.0.attn_v', [WIDTH, HEAD], (v) => {
      for (const i of told.keys()) v.set(i, MARK + i, 1)
    }),
    weights('blk.0.attn_output', [HEAD, WIDTH], (output) => {
      for (const i of told.keys()) output.set(FOUND + i, i, 4)
    }),
    ones('blk.0.ffn_norm'),
    weights('blk.0.ffn_gate', [WIDTH, 32], nothing),
    weights('blk.0.ffn_up', [WIDTH, 32], nothing),
    weights('blk.0.ffn_down', [32, WIDTH], nothing),
    ones('output_norm'),
    weights('output', [WIDTH, vocabulary], (matrix) => {
      for (const [i, { says }] of told.entries()) {
        for (const word of [says].flat()) {
          matrix.set(tokenOf(word), FOUND + i, strength / LENGTH)
        }
      }
      if (taste) matrix.set(tokenOf(taste.says), ANY, taste.strength / LENGTH)
    }),
  ]
}
