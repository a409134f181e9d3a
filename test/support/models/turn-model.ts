/**
 * A model that says what it is told to, turn by turn. Its one attention head finds the mark of the
 * latest turn in the prompt, wherever that stands, and the reply of the turn after it follows; each
 * spoken token's embedding points at the token after it. So a conversation of many turns is known
 * word for word, through whatever template, grammar and parser it runs, while the client decides
 * what the prompts are.
 */

import { type GgufContent, ggufFloat32, ggufUint32, type TensorSource } from './gguf-writer.js'
import { HalfMatrix } from './half-matrix.js'
import { cachedModel } from './model-cache.js'
import { architectureOf } from './random-model.js'
import { constantTensor, Random } from './random-weights.js'
import { distinctPieces } from './script-model.js'
import { CHATML_TEMPLATE, largeTokenizer, tinyTokenizer } from './tokenizers.js'

export interface Turn {
  /**
   * Text of ASCII that says in later prompts that this turn has been: once it stands there, in
   * whatever message, the next turn's reply is said. A part of `reply`, or of what the user says.
   */
  mark: string
  /** A few dozen bytes at least. */
  reply: string
}

const WIDTH = 256
const HEAD = 64
/** The first of the width's numbers are the spoken token's code, which tells it from all others. */
const CODE = 192
/** 1 for all tokens that are not spoken. */
const UNSPOKEN = CODE
/** Of a mark: the later its turn, the more. */
const LATENESS = CODE + 1
/** Of a mark: its turn. */
const TURN = CODE + 2
const TURNS_MAX = 30
/** What the head finds: the latest turn. */
const LATEST = TURN + TURNS_MAX
/** Of the head's numbers, one that RoPE does not turn at this base. */
const STILL = HEAD - 2
const ROPE_BASE = 1e20
const CERTAIN = 100

export interface TurnModelOptions {
  /**
   * At most 30. The reply of the first one is said where no mark is in the prompt, that of the last
   * one also after its own mark.
   */
  turns: readonly Turn[]
  /** Default 'tiny'; 'gpt-2' makes a file of 50 MB, whose prompts are a third as long. */
  tokenizer?: 'tiny' | 'gpt-2'
  /** Trained context in tokens, default 131,072. */
  context?: number
  /** Default: one that knows no tools. */
  chatTemplate?: string
  /**
   * Whether a prompt that has a reply has the tokens that the reply was said with, as of models
   * that were trained: then it can be found in a cache. No mark may be a part of a reply, and the
   * tokenizer is the tiny one. Default false: what is said are tokens that no text becomes.
   */
  isRead?: boolean
}

/** @returns the path of the file */
export function turnModel(options: TurnModelOptions): string {
  return cachedModel('turn', options, () => turnModelContent(options))
}

/** What such a file holds, for whoever keeps it elsewhere. */
export function turnModelContent(options: TurnModelOptions): GgufContent {
  const { turns, tokenizer = 'tiny', context = 131_072 } = options
  const { chatTemplate = CHATML_TEMPLATE, isRead = false } = options
  const tokenizerOf = (added: Uint8Array[], marks: string[]) => {
    return tokenizer === 'tiny' ? tinyTokenizer(added, marks, isRead) : largeTokenizer(added, marks)
  }
  if (turns.length > TURNS_MAX) throw new Error(`expected ${TURNS_MAX} turns at most`)
  const used = tokenizerOf([], []).pieces
  const spoken = turns.map(({ reply }) => {
    const pieces = isRead ? equalPieces(reply, used) : distinctPieces(Buffer.from(reply), used)
    used.push(...pieces)
    return pieces
  })
  const marks = turns.map(({ mark }) => mark)
  const { metadata, vocabulary, tokens, firstAdded } = tokenizerOf(spoken.flat(), marks)
  const starts = spoken.map((_, i) => firstAdded + spoken.slice(0, i).flat().length)
  const layout: Layout = {
    vocabulary,
    starts,
    lasts: new Set(starts.map((start, i) => start + (spoken[i]?.length ?? 0) - 1)),
    end: tokens.indexOf('<|im_end|>'),
    marks: marks.map((mark) => tokens.lastIndexOf(mark)),
    afterSpoken: firstAdded + spoken.flat().length,
  }
  const shape = { layers: 1, embedding: WIDTH, feedForward: 32, heads: 1, context }
  const architecture = architectureOf({ ...shape, chatTemplate }, vocabulary)
  const head = ['attention.key_length', 'attention.value_length', 'rope.dimension_count'] as const
  for (const key of head) architecture.set(`llama.${key}`, ggufUint32(HEAD))
  architecture.set('llama.rope.freq_base', ggufFloat32(ROPE_BASE))
  return { metadata: new Map([...architecture, ...metadata]), tensors: tensorsOf(layout) }
}

/** Of one length, but for the last, so that a text is cut in one way; each stands there once. */
function equalPieces(reply: string, used: readonly Uint8Array[]): Buffer[] {
  const texts = reply.match(/[\s\S]{10}(?:[\s\S]{0,9}$)?/g) ?? []
  const pieces = texts.map((text) => Buffer.from(text))
  const isOnce = (piece: Buffer, i: number) => {
    return reply.split(texts[i] as string).length === 2 && !used.some((one) => piece.equals(one))
  }
  if (!pieces.every(isOnce)) throw new Error(`some tokens would be there twice: ${reply}`)
  return pieces
}

/** Token ids. */
interface Layout {
  vocabulary: number
  /** Of each turn's reply. */
  starts: number[]
  lasts: Set<number>
  afterSpoken: number
  end: number
  marks: number[]
}

function tensorsOf(layout: Layout): TensorSource[] {
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
  const turns = layout.marks.map((_, turn) => turn)
  return [
    weights('token_embd', [WIDTH, layout.vocabulary], (matrix) => embed(matrix, layout)),
    ones('blk.0.attn_norm'),
    weights('blk.0.attn_q', [WIDTH, HEAD], (q) => q.set(STILL, UNSPOKEN, 100)),
    weights('blk.0.attn_k', [WIDTH, HEAD], (k) => k.set(STILL, LATENESS, 1)),
    weights('blk.0.attn_v', [WIDTH, HEAD], (v) => {
      for (const turn of turns) v.set(turn, TURN + turn, 1)
    }),
    weights('blk.0.attn_output', [HEAD, WIDTH], (output) => {
      for (const turn of turns) output.set(LATEST + turn, turn, 4)
    }),
    ones('blk.0.ffn_norm'),
    weights('blk.0.ffn_gate', [WIDTH, 32], nothing),
    weights('blk.0.ffn_up', [WIDTH, 32], nothing),
    weights('blk.0.ffn_down', [32, WIDTH], nothing),
    ones('output_norm'),
    weights('output', [WIDTH, layout.vocabulary], (matrix) => foretell(matrix, layout)),
  ]
}

/** All embeddings but those of marks have one length, so that the norms change nothing. */
function embed(matrix: HalfMatrix, layout: Layout): void {
  const codes = new Codes(layout)
  for (let token = 0; token < layout.vocabulary; token++) {
    const code = codes.of(token)
    if (code === undefined) matrix.set(token, UNSPOKEN, Math.sqrt(CODE))
    else for (const [i, sign] of code.entries()) matrix.set(token, i, sign)
  }
  for (const [turn, token] of layout.marks.entries()) {
    matrix.set(token, LATENESS, (turn + 1) / 4)
    matrix.set(token, TURN + turn, 4)
  }
}

/** What follows a spoken token outweighs what follows a mark, and that the first turn's begin. */
function foretell(matrix: HalfMatrix, layout: Layout): void {
  const codes = new Codes(layout)
  const { starts, lasts, end, afterSpoken, marks } = layout
  const follows = (next: number, token: number) => {
    for (const [i, sign] of (codes.of(token) ?? []).entries()) {
      matrix.set(next, i, (4 * CERTAIN * sign) / CODE)
    }
  }
  for (let token = starts[0] ?? 0; token < afterSpoken; token++) {
    follows(lasts.has(token) ? end : token + 1, token)
  }
  for (const turn of marks.keys()) {
    const next = starts[Math.min(turn + 1, starts.length - 1)] as number
    matrix.set(next, LATEST + turn, (2 * CERTAIN) / 16)
  }
  matrix.set(starts[0] as number, UNSPOKEN, CERTAIN / Math.sqrt(CODE))
}

/** Of each spoken token 192 random signs; the last ones of all replies share theirs. */
class Codes {
  readonly #signs: Int8Array
  readonly #layout: Layout

  constructor(layout: Layout) {
    this.#layout = layout
    const words = new Uint32Array((layout.afterSpoken - (layout.starts[0] ?? 0) + 1) * CODE)
    new Random(1).fill(words)
    this.#signs = Int8Array.from(words, (word) => (word >>> 31 === 0 ? 1 : -1))
  }

  of(token: number): Int8Array | undefined {
    const { starts, lasts, afterSpoken } = this.#layout
    const first = starts[0] ?? 0
    if (token < first || token >= afterSpoken) return undefined
    const place = (lasts.has(token) ? afterSpoken : token) - first
    return this.#signs.subarray(place * CODE, (place + 1) * CODE)
  }
}
