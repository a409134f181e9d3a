import { ContextLengthError, InvalidRequestError } from '../../api/errors.js'
import type { NativeChat } from '../../binding/engine-port.js'
import { type Asked, chatWith } from './prompts.js'
import { PromptRefused } from './reading.js'

/** Throws as the engine refuses the chat, and where that is too long to be tokenized. */
type TokensOf = (chat: NativeChat) => Promise<Int32Array>

/**
 * Why the engine refused one of the prompts, in the caller's terms: of the state where that could
 * not even be asked a word about, and of the question else.
 * @param asked as the prompts are, in their order
 * @param questions of each of them, the number of its question
 */
export async function blamed(
  error: unknown,
  state: NativeChat,
  asked: readonly Asked[],
  questions: readonly number[],
  tokensOf: TokensOf,
): Promise<unknown> {
  if (!(error instanceof PromptRefused)) return error
  const { place, refusal } = error
  const { introduction, begins } = asked[place] as Asked
  if (!isOfPrompt(refusal)) return refusal
  const least = { introduction, text: introduction === '' ? '' : '?', begins }
  const ofState = await refusalOf(refusal, () => tokensOf(chatWith(state, least)))
  if (ofState === undefined) return refusal
  const isOfState = ofState !== false
  const option = isOfState ? 'state' : `questions[${questions[place]}]`
  if (refusal instanceof InvalidRequestError) {
    return new InvalidRequestError(`'${option}': ${refusal.message}`, { option })
  }
  const { contextTokens } = refusal
  const promptTokens = ofState === false ? refusal.promptTokens : ofState
  const what = isOfState ? 'the state' : 'this question with its state'
  const message =
    `'${option}': ${what} has ${promptTokens} tokens, template included, and the context ` +
    `has ${contextTokens}; shorten ${isOfState ? 'it' : 'the question'} or raise the context.`
  return new ContextLengthError(message, promptTokens, contextTokens, undefined, option)
}

type OfPrompt = ContextLengthError | InvalidRequestError

function isOfPrompt(error: unknown): error is OfPrompt {
  if (error instanceof ContextLengthError) return true
  return error instanceof InvalidRequestError && error.option === undefined
}

/**
 * How many tokens the least prompt has where that is refused too, and false where it is taken.
 * Undefined where that could not be found out, as on an engine whose queue is full.
 */
async function refusalOf(
  refusal: OfPrompt,
  tokens: () => Promise<Int32Array>,
): Promise<number | false | undefined> {
  try {
    const { length } = await tokens()
    return refusal instanceof ContextLengthError && length > refusal.contextTokens ? length : false
  } catch (error) {
    if (!isOfPrompt(error)) return undefined
    return error instanceof ContextLengthError ? error.promptTokens : 0
  }
}
