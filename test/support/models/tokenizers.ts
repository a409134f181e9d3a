/** The tokenizers of test models: a tiny one of our own, or one copied from llama.cpp's tree. */
import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { ggufArrayLength, ggufInt32sOf, ggufStringsOf, readGgufMetadata } from './gguf-reader.js'
import {
  type GgufMetadata,
  ggufBool,
  ggufInt32s,
  ggufString,
  ggufStrings,
  ggufUint32,
} from './gguf-writer.js'

/**
 * `tiny`: our own byte-level BPE of about 380 tokens, ChatML's marks among them. A character
 * beyond ASCII takes one token for each of its bytes.
 * `llama-spm`: Llama 2's 32,000 with byte fallback. `gpt-2`: 50,257. `qwen2`: 151,936.
 * `bert-bge`: BERT's 30,522 word pieces.
 */
export type TokenizerName = 'tiny' | 'llama-spm' | 'gpt-2' | 'qwen2' | 'bert-bge'

export interface Tokenizer {
  /** The tokenizer.* keys. */
  metadata: GgufMetadata
  vocabulary: number
}

export interface OpenTokenizer extends Tokenizer {
  /** As the file spells them, by token id. */
  tokens: string[]
  /** The bytes that each token writes, marks left out. */
  pieces: Uint8Array[]
  /** Id of the first token that was added. */
  firstAdded: number
}

export const CHATML_TEMPLATE =
  "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\\n' + " +
  "message['content'] + '<|im_end|>\\n' }}{% endfor %}" +
  "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"

const MARKS = ['<|endoftext|>', '<|im_start|>', '<|im_end|>']
/** Each word becomes a chain of merges, so that a token is up to five characters long. */
const WORDS = (
  ' the and to of was in it he she his her that with had for you not but they on as at said ' +
  'all one out fox story little were there big day went very home friend wood tree sea'
).split(' ')
const NORMAL = 1
const CONTROL = 3
const USER_DEFINED = 4

export function tokenizerOf(name: TokenizerName): Tokenizer {
  return name === 'tiny' ? tinyTokenizer() : copiedTokenizer(name)
}

/**
 * The tiny tokenizer, with tokens of any bytes added at its end. Text never becomes an added token,
 * because no merge leads to it; generating one writes its bytes. `marks` are texts that always
 * become one token each, as `</think>` does with models that think; their ids are the last ones.
 * @param areRead whether added tokens are marks too, and so of UTF-8
 */
export function tinyTokenizer(
  added: Uint8Array[] = [],
  marks: string[] = [],
  areRead = false,
): OpenTokenizer {
  const bytes = Array.from({ length: 256 }, (_, byte) => byteChar(byte))
  const merges = mergesOf(WORDS.map((word) => ` ${word}`).concat(WORDS))
  const merged = merges.map((merge) => merge.replace(' ', ''))
  const extra = added.map((piece) => {
    return areRead ? Buffer.from(piece).toString() : Array.from(piece, byteChar).join('')
  })
  const written = [...bytes, ...merged, ...extra]
  const tokens = [...written, ...MARKS, ...marks]
  const firstAdded = written.length - added.length
  const types = tokens.map((token, id) => {
    if (id >= written.length + MARKS.length) return USER_DEFINED
    if (areRead && id >= firstAdded && id < written.length) return USER_DEFINED
    return MARKS.includes(token) ? CONTROL : NORMAL
  })
  const metadata: GgufMetadata = new Map([
    ['tokenizer.ggml.model', ggufString('gpt2')],
    ['tokenizer.ggml.pre', ggufString('gpt-2')],
    ['tokenizer.ggml.tokens', ggufStrings(tokens)],
    ['tokenizer.ggml.token_type', ggufInt32s(types)],
    ['tokenizer.ggml.merges', ggufStrings(merges)],
    ['tokenizer.ggml.bos_token_id', ggufUint32(tokens.indexOf('<|endoftext|>'))],
    ['tokenizer.ggml.eos_token_id', ggufUint32(tokens.indexOf('<|im_end|>'))],
    ['tokenizer.ggml.add_bos_token', ggufBool(false)],
  ])
  const pieces = written.map((token) => Uint8Array.from(token, (char) => bytes.indexOf(char)))
  return { metadata, vocabulary: tokens.length, tokens, pieces, firstAdded }
}

/**
 * GPT-2's tokenizer with ChatML's marks, tokens of any bytes (see tinyTokenizer) and marks of one's
 * own added at its end: a text of an agent is a third of what it is with the tiny one.
 */
export function largeTokenizer(added: Uint8Array[], marks: string[]): OpenTokenizer {
  const { metadata } = copiedTokenizer('gpt-2')
  const [known, types] = ['tokenizer.ggml.tokens', 'tokenizer.ggml.token_type'] as const
  const bytes = Array.from({ length: 256 }, (_, byte) => byteChar(byte))
  const written = [
    ...ggufStringsOf(metadata, known),
    ...added.map((piece) => Array.from(piece, (byte) => bytes[byte]).join('')),
  ]
  const tokens = [...written, ...MARKS.slice(1), ...marks]
  metadata.set(known, ggufStrings(tokens))
  metadata.set(
    types,
    ggufInt32s([
      ...ggufInt32sOf(metadata, types),
      ...added.map(() => NORMAL),
      ...MARKS.slice(1).map(() => CONTROL),
      ...marks.map(() => USER_DEFINED),
    ]),
  )
  metadata.set('tokenizer.ggml.eos_token_id', ggufUint32(tokens.indexOf('<|im_end|>')))
  const byteOf = new Map(bytes.map((char, byte) => [char, byte]))
  const pieces = written.map((token) => Uint8Array.from(token, (char) => byteOf.get(char) ?? 0))
  const firstAdded = written.length - added.length
  return { metadata, vocabulary: tokens.length, tokens, pieces, firstAdded }
}

/** Marks of a vocabulary whose text has a token for each byte, and nothing longer. */
export interface Marks {
  control: readonly string[]
  userDefined?: readonly string[]
  /** One of them that each text begins with by itself. */
  bos?: string
  /** One of them that each text ends with by itself. */
  eos?: string
}

/** Byte for byte: what a text has fewer tokens than bytes, its marks have made. */
export function byteTokenizer({ control, userDefined = [], bos, eos }: Marks): Tokenizer {
  const bytes = Array.from({ length: 256 }, (_, byte) => byteChar(byte))
  const tokens = [...bytes, ...control, ...userDefined, '<unused-end>']
  const types = tokens.map((_, id) => {
    if (id < bytes.length) return NORMAL
    const isUserDefined = id >= bytes.length + control.length && id < tokens.length - 1
    return isUserDefined ? USER_DEFINED : CONTROL
  })
  const idOf = (mark: string) => ggufUint32(tokens.indexOf(mark))
  const metadata: GgufMetadata = new Map([
    ['tokenizer.ggml.model', ggufString('gpt2')],
    ['tokenizer.ggml.pre', ggufString('gpt-2')],
    ['tokenizer.ggml.tokens', ggufStrings(tokens)],
    ['tokenizer.ggml.token_type', ggufInt32s(types)],
    ['tokenizer.ggml.merges', ggufStrings([])],
    ['tokenizer.ggml.bos_token_id', idOf(bos ?? '<unused-end>')],
    ['tokenizer.ggml.eos_token_id', idOf(eos ?? '<unused-end>')],
    ['tokenizer.ggml.add_bos_token', ggufBool(bos !== undefined)],
    ['tokenizer.ggml.add_eos_token', ggufBool(eos !== undefined)],
  ])
  return { metadata, vocabulary: tokens.length }
}

function copiedTokenizer(name: TokenizerName): Tokenizer {
  const tree =
    process.env.LLAMA_CPP_DIR ?? fileURLToPath(import.meta.resolve('../../../deps/llama.cpp'))
  const path = resolve(tree, `models/ggml-vocab-${name}.gguf`)
  if (!existsSync(path)) throw new Error(`${path} is missing. Run: npm run fetch`)
  const whole = readGgufMetadata(path)
  const metadata = new Map([...whole].filter(([key]) => key.startsWith('tokenizer.ggml.')))
  return { metadata, vocabulary: ggufArrayLength(metadata, 'tokenizer.ggml.tokens') }
}

/** `the` gives `t h`, `th e`; a merge that two words share is listed once. */
function mergesOf(words: string[]): string[] {
  const merges = new Set<string>()
  for (const word of words) {
    const chars = Array.from(Buffer.from(word), byteChar)
    for (let i = 1; i < chars.length; i++) merges.add(`${chars.slice(0, i).join('')} ${chars[i]}`)
  }
  return [...merges]
}

/** GPT-2's printable stand-in for a byte: itself where it prints, else a letter from U+0100 on. */
function byteChar(byte: number): string {
  const prints = (b: number) => (b >= 33 && b <= 126) || (b >= 161 && b <= 172) || b >= 174
  if (prints(byte)) return String.fromCharCode(byte)
  let before = 0
  for (let b = 0; b < byte; b++) if (!prints(b)) before++
  return String.fromCharCode(256 + before)
}
