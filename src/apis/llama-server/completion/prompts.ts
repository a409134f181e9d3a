import * as z from 'zod'
import { isRecord } from '../../../options/other-words/tool-choice.js'
import { aTokenId } from '../../../options/request-options.js'
import type { ScopedEngine } from '../../../web/scoped-engine.js'
import { checkVocabulary, fieldError } from '../../request.js'

/** A prompt in pieces: texts and token ids, which follow one another. */
type PromptPieces = readonly (string | number)[]

const promptsMax = 256
const piecesMax = 2 ** 24
/** Of all prompts: each is a job of its own for the tokenizer, however short it is. */
const textsMax = 1024
const promptError =
  'a text, token ids, both in one array, an object with "prompt_string", or an array of those'
const textsError = `at most ${textsMax} texts in all`

/**
 * What `prompt` may be, as llama-server reads it: an array with a number in it is one prompt of
 * texts and token ids, any other array has a prompt in each place.
 */
export const prompts = z.unknown().transform((value, context): PromptPieces[] => {
  const refuse = (message: string, path: number[] = []) => {
    context.issues.push({ code: 'custom', message, path, input: value })
    return z.NEVER
  }
  const one = pieces(value)
  const isShort = Array.isArray(value) && value.length <= promptsMax
  const all = one === undefined ? (isShort ? value.map(pieces) : []) : [one]
  if (all.length === 0) return refuse(promptError)
  const wrong = all.indexOf(undefined)
  if (wrong >= 0) return refuse(promptError, [wrong])
  const read = all as PromptPieces[]
  return countTexts(read) > textsMax ? refuse(textsError) : read
})

function countTexts(all: readonly PromptPieces[]): number {
  let texts = 0
  for (const prompt of all) for (const piece of prompt) if (typeof piece === 'string') texts++
  return texts
}

/** Undefined for what is no single prompt. */
function pieces(value: unknown): PromptPieces | undefined {
  if (typeof value === 'string') return [value]
  if (isRecord(value)) return ofObject(value)
  if (!Array.isArray(value) || value.length > piecesMax) return undefined
  if (!value.some((one) => typeof one === 'number')) return undefined
  const isPiece = (one: unknown) => typeof one === 'string' || aTokenId.accepts(one)
  return value.every(isPiece) ? (value as PromptPieces) : undefined
}

/** Images and sounds are not here. */
function ofObject({ prompt_string: text, multimodal_data: media }: Record<string, unknown>) {
  const hasMedia = Array.isArray(media) ? media.length > 0 : media !== undefined && media !== null
  if (typeof text !== 'string' || hasMedia) return undefined
  return [text]
}

/** A prompt's tokens, with what the model wants in front where it begins with text. */
export async function tokensOf(
  engine: ScopedEngine,
  prompt: PromptPieces,
  path: string,
): Promise<Int32Array> {
  const texts: Int32Array[] = []
  for (let i = 0; i < prompt.length; i++) {
    const piece = prompt[i]
    if (typeof piece !== 'string') continue
    texts.push(await engine.tokenize(piece, { addSpecial: i === 0, parseSpecial: true }))
  }
  const tokens = joined(prompt, texts)
  if (tokens.length === 0) throw fieldError(path, 'a prompt that has tokens', '')
  checkVocabulary(tokens, engine.model.vocabulary, path)
  return tokens
}

/** @param texts the tokens of each text, in order */
function joined(prompt: PromptPieces, texts: readonly Int32Array[]): Int32Array {
  const ids = prompt.length - texts.length
  const tokens = new Int32Array(texts.reduce((sum, { length }) => sum + length, ids))
  let at = 0
  let text = 0
  // No list for each id: there may be millions.
  for (const piece of prompt) {
    if (typeof piece === 'number') {
      tokens[at++] = piece
    } else {
      const own = texts[text++] ?? new Int32Array(0)
      tokens.set(own, at)
      at += own.length
    }
  }
  return tokens
}
