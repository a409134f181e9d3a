import {
  type GgufContent,
  type GgufValue,
  type TensorSource,
  tensorBytes,
} from '../../test/support/models/gguf-writer.js'
import {
  type RandomModelOptions,
  randomModelContent,
} from '../../test/support/models/random-model.js'
import { cachedModel } from './cached-model.js'

const textTokens = 1000
/** One word of so many is another one in the text that is to be edited. */
const changedEvery = 40

export interface Edit {
  model: string
  /** The text before the edit. */
  prompt: string
  /** And after it: what the model replies, greedily. */
  reply: string
}

/**
 * A model that replies with an edited copy of a text of 1,000 words. Each word's row of the output
 * is the embedding of the word before it, so that one word leads to the next whatever else the
 * prompt says. Its layers are of the given shape and add nothing: their last matrices are zero,
 * which takes as long to compute as any other.
 */
export function editModel(name: string, shape: RandomModelOptions): Edit {
  const content = randomModelContent({ ...shape, weights: 'q8_0' })
  const { text, others, first } = wordsOf(content)
  const edited = text.map((token) => token.word)
  const before = edited.map((word, i) => {
    return i % changedEvery === changedEvery - 1 ? (others[i] as Token).word : word
  })
  const model = cachedModel(`${name}-edits`, [textTokens, shape], () => {
    return { ...content, tensors: scripted(content.tensors, [first, ...text]) }
  })
  return { model, prompt: [...before, first.word].join(''), reply: edited.join('') }
}

interface Token {
  id: number
  /** A blank and lower-case letters. */
  word: string
}

/** Words that are one token each: those of the text, as many others, and one that leads to it. */
function wordsOf({ metadata }: GgufContent): { text: Token[]; others: Token[]; first: Token } {
  const all = stringsOf(metadata.get('tokenizer.ggml.tokens') as GgufValue).flatMap(
    (name, id): Token[] => {
      const word = name.replace(/^\u0120/, ' ')
      return /^ [a-z]{3,8}$/.test(word) ? [{ id, word }] : []
    },
  )
  const spread = all.filter((_, i) => i % Math.floor(all.length / (2 * textTokens + 1)) === 0)
  const first = spread[2 * textTokens] as Token
  return { text: spread.slice(0, textTokens), others: spread.slice(textTokens), first }
}

/** An array: its type (4 bytes), how many strings (8), then each one's length (8) and bytes. */
function stringsOf({ bytes }: GgufValue): string[] {
  const view = Buffer.from(bytes)
  const strings: string[] = []
  for (let at = 12; at < view.length; ) {
    const end = at + 8 + Number(view.readBigUInt64LE(at))
    strings.push(view.toString('utf8', at + 8, end))
    at = end
  }
  return strings
}

function scripted(tensors: TensorSource[], words: Token[]): TensorSource[] {
  let embeddings = new Uint8Array()
  return tensors.map((tensor) => {
    const bytes = tensorBytes(tensor.type, tensor.shape)
    if (/attn_output|ffn_down/.test(tensor.name)) {
      return { ...tensor, data: () => new Uint8Array(bytes) }
    }
    const data = () => {
      const matrix = tensor.data()
      if (tensor.name === 'token_embd.weight') embeddings = Uint8Array.from(matrix)
      if (tensor.name !== 'output.weight') return matrix
      const row = bytes / (tensor.shape[1] as number)
      words.slice(1).forEach(({ id }, i) => {
        const { id: before } = words[i] as Token
        matrix.set(embeddings.subarray(before * row, (before + 1) * row), id * row)
      })
      return matrix
    }
    return { ...tensor, data }
  })
}
