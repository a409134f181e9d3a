import type { ErrorCode, SluiceError } from '../api/errors.js'
import { inCriteriaWords } from '../options/other-words/criteria-questions.js'
import { httpError, isEngineError } from '../web/errors.js'
import { noPlaces, type Places, sdkPath } from './places.js'

/**
 * The AI SDK tells its errors by symbols, so that those of several of its releases are known. With
 * them ours are too, and its packages need not be there.
 */
const anyError = Symbol.for('vercel.ai.error')
const callError = Symbol.for('vercel.ai.error.AI_APICallError')
const modelError = Symbol.for('vercel.ai.error.AI_NoSuchModelError')
const unsupportedError = Symbol.for('vercel.ai.error.AI_UnsupportedFunctionalityError')

/** Where trying the same again may go well. */
const retried: readonly ErrorCode[] = [
  'ERR_OVERLOADED',
  'ERR_QUEUE_TIMEOUT',
  'ERR_ENGINE_FAILED', // its batch is lost, and the engine goes on
]

/**
 * An error of the engine, as the AI SDK's `APICallError`: it tries again what `isRetryable` says.
 * `statusCode` is what our server would answer; `cause` is the engine's own error.
 */
class EngineCallError extends Error {
  readonly [anyError] = true
  readonly [callError] = true
  override readonly name = 'AI_APICallError'
  /** There is none: the engine is in this process. */
  readonly url = 'sluice:engine'
  readonly requestBodyValues = {}
  readonly statusCode: number
  readonly responseHeaders: Record<string, string>
  readonly isRetryable: boolean
  readonly data: { readonly code: ErrorCode }

  constructor(cause: SluiceError, places: Places) {
    super(inSdkNames(cause, places), { cause })
    const { status, retryAfterSeconds } = httpError(cause)
    this.statusCode = status
    this.isRetryable = retried.includes(cause.code)
    this.data = { code: cause.code }
    const seconds = this.isRetryable ? retryAfterSeconds : undefined
    this.responseHeaders = seconds === undefined ? {} : { 'retry-after': `${seconds}` }
  }
}

/** Options and schemas tell where they are wrong; a message says so in its first words. */
function inSdkNames(error: SluiceError, places: Places): string {
  const { option, path = option } = error as { option?: unknown; path?: unknown }
  if (typeof path !== 'string') return error.message
  const asked = inCriteriaWords(path, error.message, places.questions)
  if (asked !== undefined) return asked.message
  const named = sdkPath(path, places)
  if (error.message.startsWith(path)) return named + error.message.slice(path.length)
  return error.message.replace(`'${path}`, () => `'${named}`)
}

/** What a caller of a model is told of what was thrown. An abort is told by the signal's reason. */
export function sdkError(
  thrown: unknown,
  signal: AbortSignal | undefined,
  places = noPlaces,
): unknown {
  if (!isEngineError(thrown)) return thrown
  if (thrown.code !== 'ERR_CANCELLED' || !signal?.aborted)
    return new EngineCallError(thrown, places)
  const { reason } = signal
  if (reason instanceof Error || reason instanceof DOMException) return reason
  return new DOMException(thrown.message, { name: 'AbortError', cause: thrown })
}

/** Runs what asks the engine, and rejects with the AI SDK's errors. */
export async function withSdkErrors<T>(
  signal: AbortSignal | undefined,
  run: () => Promise<T>,
  places = noPlaces,
): Promise<T> {
  try {
    return await run()
  } catch (error) {
    throw sdkError(error, signal, places)
  }
}

type ModelType = 'languageModel' | 'embeddingModel' | 'decisionModel' | 'imageModel'

/** As the AI SDK's own. */
export class NoSuchModelError extends Error {
  readonly [anyError] = true
  readonly [modelError] = true
  override readonly name = 'AI_NoSuchModelError'
  readonly modelId: string
  readonly modelType: ModelType

  constructor(modelId: string, modelType: ModelType, names: readonly string[]) {
    const known = names.length === 0 ? 'there is none' : `there is ${names.join(', ')}`
    super(`No such ${modelType}: ${modelId} (${known})`)
    this.modelId = modelId
    this.modelType = modelType
  }
}

/** As the AI SDK's own. */
export class UnsupportedFunctionalityError extends Error {
  readonly [anyError] = true
  readonly [unsupportedError] = true
  override readonly name = 'AI_UnsupportedFunctionalityError'
  readonly functionality: string

  constructor(functionality: string, way: string) {
    super(`'${functionality}' is not supported: ${way}.`)
    this.functionality = functionality
  }
}
