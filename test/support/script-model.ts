/**
 * A model that says what it is told to: each token's embedding points at the token after it, and
 * attention adds nothing. Its replies are known word for word, whatever the prompt, temperature
 * or batch, and its tokens split characters beyond ASCII.
 */
import type { TensorSource } from './gguf-writer.js'
import { cachedModel } from './model-cache.js'
import { architectureOf } from './random-model.js'
import { constantTensor } from './random-weights.js'
import { CHATML_TEMPLATE, tinyTokenizer } from './tokenizers.js'

export interface ScriptModelOptions {
  /** What it says: a few bytes at least, 4,000 at most. */
  reply: string
  /** Ends the reply after saying it once (default), or says it again and again. */
  repeat?: boolean
  /** Trained context in tokens, default 16,384. */
  context?: number
}

const HEAD = 32
const CERTAIN = 100

/** @returns the path of the file */
export function scriptModel(options: ScriptModelOptions): string {
  const settled = { repeat: false, context: 16384, ...options }
  return cachedModel('script', settled, () => {
    const pieces = distinctPieces(Buffer.from(settled.reply), tinyTokenizer().pieces)
    const { metadata, vocabulary, tokens } = tinyTokenizer(pieces)
    const first = tokens.indexOf('<|endoftext|>') - pieces.length
    const last = settled.repeat ? first : tokens.indexOf('<|im_end|>')
    // Place 0 stands for every token that is no piece: it leads to the first one.
    const next = [first, ...pieces.map((_, i) => (i + 1 < pieces.length ? first + i + 1 : last))]
    const width = Math.ceil(next.length / HEAD) * HEAD
    const shape = { layers: 1, embedding: width, feedForward: HEAD, heads: width / HEAD }
    const architecture = architectureOf(
      { ...shape, context: settled.context, chatTemplate: CHATML_TEMPLATE },
      vocabulary,
    )
    return {
      metadata: new Map([...architecture, ...metadata]),
      tensors: tensorsOf(width, vocabulary, first, next),
    }
  })
}

/** Cuts into pieces of as few bytes as make each one different from all others and from `used`. */
export function distinctPieces(text: Uint8Array, used: Uint8Array[]): Buffer[] {
  const pieces: Buffer[] = []
  const taken = new Set(used.map((piece) => Buffer.from(piece).toString('hex')))
  let start = 0
  for (let end = 1; end <= text.length; end++) {
    const piece = Buffer.from(text.subarray(start, end))
    if (taken.has(piece.toString('hex'))) continue
    taken.add(piece.toString('hex'))
    pieces.push(piece)
    start = end
  }
  const last = pieces.pop()
  if (last === undefined) throw new Error('the reply is too short to have tokens of its own')
  // What is left over equals a piece that is taken, so the last one takes it in.
  return [...pieces, Buffer.concat([last, text.subarray(start)])]
}

function tensorsOf(
  width: number,
  vocabulary: number,
  first: number,
  next: number[],
): TensorSource[] {
  const tensor = (name: string, shape: number[], data: () => Uint8Array): TensorSource => ({
    name: `${name}.weight`,
    type: 'f32',
    shape,
    data,
  })
  const filled = (name: string, shape: number[], value: number) =>
    tensor(name, shape, () =>
      constantTensor(
        shape.reduce((a, b) => a * b, 1),
        value,
      ),
    )
  const marked = (name: string, value: number, ones: Iterable<[row: number, column: number]>) =>
    tensor(name, [width, vocabulary], () => {
      const matrix = new Float32Array(width * vocabulary)
      for (const [row, column] of ones) matrix[row * width + column] = value
      return new Uint8Array(matrix.buffer)
    })
  const placeOf = (token: number) => {
    const place = token - first + 1
    return place >= 1 && place < next.length ? place : 0
  }
  const tokens = Array.from({ length: vocabulary }, (_, token) => token)
  return [
    marked(
      'token_embd',
      1,
      tokens.map((token) => [token, placeOf(token)]),
    ),
    filled('blk.0.attn_norm', [width], 1),
    ...['q', 'k', 'v', 'output'].map((part) => filled(`blk.0.attn_${part}`, [width, width], 0)),
    filled('blk.0.ffn_norm', [width], 1),
    filled('blk.0.ffn_gate', [width, HEAD], 0),
    filled('blk.0.ffn_up', [width, HEAD], 0),
    filled('blk.0.ffn_down', [HEAD, width], 0),
    filled('output_norm', [width], 1),
    marked(
      'output',
      CERTAIN,
      next.map((token, place) => [token, place]),
    ),
  ]
}
