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
  /**
   * Texts of ASCII that are one token each, in the reply (each at most once, never two in a row) as
   * in a prompt: what follows one in the reply follows it everywhere.
   */
  marks?: string[]
}

const HEAD = 32
const CERTAIN = 100

/** @returns the path of the file */
export function scriptModel(options: ScriptModelOptions): string {
  const settled = { repeat: false, context: 16384, marks: [], ...options }
  return cachedModel('script', settled, () => {
    const texts = spokenTexts(settled.reply, settled.marks)
    const pieces = texts.flatMap((text) => (typeof text === 'string' ? [] : text))
    const { metadata, vocabulary, tokens } = tinyTokenizer(pieces, settled.marks)
    let piece = tokens.indexOf('<|endoftext|>') - pieces.length
    const spoken = texts.flatMap((text) => {
      return typeof text === 'string' ? [tokens.lastIndexOf(text)] : text.map(() => piece++)
    })
    const first = spoken[0] as number
    const last = settled.repeat ? first : tokens.indexOf('<|im_end|>')
    // Place 0 stands for every token that is not spoken: it leads to the first one.
    const next = [first, ...spoken.slice(1), last]
    const places = new Map(spoken.map((token, i) => [token, i + 1]))
    const width = Math.ceil(next.length / HEAD) * HEAD
    const shape = { layers: 1, embedding: width, feedForward: HEAD, heads: width / HEAD }
    const architecture = architectureOf(
      { ...shape, context: settled.context, chatTemplate: CHATML_TEMPLATE },
      vocabulary,
    )
    return {
      metadata: new Map([...architecture, ...metadata]),
      tensors: tensorsOf(width, vocabulary, places, next),
    }
  })
}

/** The reply's marks, and the pieces of what stands between them. */
function spokenTexts(reply: string, marks: string[]): (string | Buffer[])[] {
  const used = [...tinyTokenizer().pieces]
  const cuts = marks.flatMap((mark) => [reply.indexOf(mark), reply.indexOf(mark) + mark.length])
  const edges = [0, ...cuts.filter((cut) => cut > 0), reply.length].sort((a, b) => a - b)
  return edges.slice(1).map((edge, i) => {
    const text = reply.slice(edges[i], edge)
    if (marks.includes(text)) return text
    const pieces = distinctPieces(Buffer.from(text), used)
    used.push(...pieces)
    return pieces
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
  // What is left over equals a piece that is taken, so the last ones take it in.
  let rest = Buffer.from(text.subarray(start))
  while (rest.length === 0 || taken.has(rest.toString('hex'))) {
    const last = pieces.pop()
    if (last === undefined) throw new Error('the reply is too short to have tokens of its own')
    if (rest.length === 0) return [...pieces, last]
    rest = Buffer.concat([last, rest])
  }
  return [...pieces, rest]
}

function tensorsOf(
  width: number,
  vocabulary: number,
  places: Map<number, number>,
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
  const placeOf = (token: number) => places.get(token) ?? 0
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
