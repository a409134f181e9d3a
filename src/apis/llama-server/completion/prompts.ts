import * as z from 'zod'
import { isRecord } from '../../../options/other-words/tool-choice.js'
import { aTokenId } from '../../../options/request-options.js'
import type { ScopedEngine } from '../../../web/scoped-engine.js'
import { checkVocabulary, fieldError } from '../../request.js'

/** A prompt in pieces: texts and token ids, which follow one another. */
type PromptPieces = readonly (string | number)[]

const promptsMax = 256
const piecesMax = 2 ** 24
const promptError =
  'a text, token ids, both in one array, an object with "prompt_string", or an array of those'

/** What `prompt` may be; `isList` where the answer is an array too. */
export interface Prompts {
  readonly all: readonly PromptPieces[]
  readonly isList: boolean
}

/**
 * As llama-server reads it: an array with a number in it is one prompt of texts and token ids, any
 * other array has a prompt in each place.
 */
export const prompts = z.unknown().transform((value, context): Prompts => {
  const one = pieces(value)
  if (one !== undefined) return { all: [one], isList: false }
  const all = Array.isArray(value) && value.length <= promptsMax ? value.map(pieces) : []
  const wrong = all.indexOf(undefined)
  if (all.length > 0 && wrong < 0) return { all: all as PromptPieces[], isList: all.length > 1 }
  const path = wrong < 0 ? [] : [wrong]
  context.issues.push({ code: 'custom', message: promptError, path, input: value })
  return z.NEVER
})

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
  const lists: ArrayLike<number>[] = []
  for (const [i, piece] of prompt.entries()) {
    if (typeof piece === 'number') lists.push([piece])
    else lists.push(await engine.tokenize(piece, { addSpecial: i === 0, parseSpecial: true }))
  }
  const tokens = Int32Array.from(lists.flatMap((list) => Array.from(list)))
  if (tokens.length === 0) throw fieldError(path, 'a prompt that has tokens', '')
  checkVocabulary(tokens, engine.model.vocabulary, path)
  return tokens
}
