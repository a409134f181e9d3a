import { EngineEndedError, SluiceError } from '../api/errors.js'
import { isError } from '../api/realms.js'
import { show } from '../api/show.js'
import { HttpError, httpError } from '../web/errors.js'

/** How much is told of why there is no engine: the code alone, or the words of Sluice's own too. */
export type Telling = 'whole' | 'code'

/** Why there is no engine, or none any more, as requests are told of it: a 503 of its own. */
export function engineFault(error: unknown, telling: Telling = 'whole'): HttpError {
  if (error instanceof EngineEndedError) {
    const why = telling === 'whole' ? inWords(error.cause) : inCode(error.cause)
    const message = `The engine ended by itself${why}. The server has to be started again.`
    return new HttpError('engine_ended', message, { cause: error })
  }
  const why = telling === 'whole' ? inWords(error) : inCode(error)
  return new HttpError('load_failed', `The model could not be loaded${why}.`, { cause: error })
}

/** Codes of a model that no second try would load: its file or options have to be mended. */
const lasting: readonly string[] = [
  'ERR_BINARY_MISSING',
  'ERR_MODEL_NOT_FOUND',
  'ERR_MODEL_INVALID',
  'ERR_PULL_FAILED',
  'ERR_INVALID_OPTION',
]
/** They are about the wait for it, and not about the model. */
const ofTheWait: readonly string[] = ['ERR_OVERLOADED', 'ERR_QUEUE_TIMEOUT']

interface PoolFacts {
  readonly isClosed: boolean
  /** Until it is tried again. */
  readonly retryMs: number
}

/** Why a request has no engine of a pool. */
export function poolFault(
  name: string,
  error: unknown,
  { isClosed, retryMs }: PoolFacts,
): HttpError {
  if (isClosed) return shuttingDown()
  const code = error instanceof SluiceError ? error.code : ''
  if (ofTheWait.includes(code)) return httpError(error)
  if (code === 'ERR_CLOSED') {
    return new HttpError('model_unloaded', `The model '${name}' was unloaded meanwhile.`)
  }
  const retryAfterSeconds = Math.max(1, Math.ceil(retryMs / 1000))
  if (error instanceof EngineEndedError) {
    const ended = `The engine of '${name}' ended by itself${inWords(error.cause)}.`
    const message = `${ended} The model is loaded again.`
    return new HttpError('engine_ended', message, { cause: error, retryAfterSeconds })
  }
  const message = `The model '${name}' could not be loaded${inWords(error)}.`
  if (lasting.includes(code)) return new HttpError('model_unusable', message, { cause: error })
  return new HttpError('load_failed', message, { cause: error, retryAfterSeconds })
}

/** The engine was closed, or the server drains. */
export function shuttingDown(): HttpError {
  return new HttpError('shutting_down', 'The server is shutting down and takes no new requests.')
}

/** A process warning, once, even where no request comes. */
export function warnOfEngine(error: unknown): void {
  process.emitWarning(`${readable(error)}; requests get 503 from now on`, {
    type: 'SluiceWarning',
    code: 'SLUICE_ENGINE',
  })
}

function readable(error: unknown): string {
  const notLoaded = 'the model could not be loaded'
  try {
    if (error instanceof EngineEndedError) return withCode(error.message, error.code)
    if (!isError(error)) return `${notLoaded}: ${thrownWords(error)}`
    const { code } = error as NodeJS.ErrnoException
    return withCode(`${notLoaded}: ${error}`, code)
  } catch {
    return `${notLoaded}: an object that cannot be read` // a Proxy, or one with getters that throw
  }
}

/** A promise may be rejected with anything. */
function thrownWords(thrown: unknown): string {
  if (typeof thrown === 'string') return thrown
  const { message } = Object(thrown) as { message?: unknown }
  return typeof message === 'string' ? message : show(thrown)
}

/** What the program itself threw shows nothing of its inside. */
function inWords(error: unknown): string {
  return error instanceof SluiceError ? `: ${withCode(error.message, error.code)}` : inCode(error)
}

function inCode(error: unknown): string {
  return error instanceof SluiceError ? ` (${error.code})` : ''
}

/** Some messages are sentences with a full stop of their own. */
function withCode(message: string, code: unknown): string {
  return typeof code === 'string' ? `${message.replace(/\.$/, '')} (${code})` : message
}
