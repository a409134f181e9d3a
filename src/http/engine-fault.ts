import { EngineEndedError } from '../engine/errors.js'
import { ApiError } from '../openai/errors.js'

/** How much is told of why there is no engine: to some, the code alone. */
export type Telling = 'whole' | 'code'

/** Why there is no engine, or none any more, as requests are told of it: a 503 of its own. */
export function engineFault(error: unknown, telling: Telling = 'whole'): ApiError {
  if (error instanceof EngineEndedError) {
    const cause = causeOf(error.cause, telling)
    const message = `The engine ended by itself${cause}; the server must be started again.`
    return new ApiError('engine_ended', message, { cause: error })
  }
  const message = `The model could not be loaded${causeOf(error, telling)}.`
  return new ApiError('load_failed', message, { cause: error })
}

function causeOf(cause: unknown, telling: Telling): string {
  const code = codeOf(cause)
  const message = cause instanceof Error && telling === 'whole' ? cause.message : ''
  const parts = [message, code === undefined || message === '' ? '' : ` (${code})`]
  if (message === '') return code === undefined ? '' : ` (${code})`
  return `: ${parts.join('')}`
}

function codeOf(cause: unknown): string | undefined {
  const code = cause instanceof Error ? (cause as NodeJS.ErrnoException).code : undefined
  return typeof code === 'string' ? code : undefined
}

/** What becomes of the server's only engine is told once, also where nobody asks it for anything. */
export function warnOfEngine(error: unknown): void {
  const { message } = engineFault(error)
  process.emitWarning(message, { type: 'SluiceWarning', code: 'SLUICE_ENGINE' })
}
