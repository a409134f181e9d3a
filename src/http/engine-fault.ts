import { EngineEndedError, SluiceError } from '../engine/errors.js'
import { ApiError } from '../openai/errors.js'

/** How much is told of why there is no engine: the code alone, or the words of Sluice's own too. */
export type Telling = 'whole' | 'code'

/** Why there is no engine, or none any more, as requests are told of it: a 503 of its own. */
export function engineFault(error: unknown, telling: Telling = 'whole'): ApiError {
  if (error instanceof EngineEndedError) {
    const why = telling === 'whole' ? inWords(error.cause) : inCode(error.cause)
    const message = `The engine ended by itself${why}. The server has to be started again.`
    return new ApiError('engine_ended', message, { cause: error })
  }
  const why = telling === 'whole' ? inWords(error) : inCode(error)
  return new ApiError('load_failed', `The model could not be loaded${why}.`, { cause: error })
}

/** Told once by the process, also where nobody asks the server for anything. */
export function warnOfEngine(error: unknown): void {
  const what =
    error instanceof EngineEndedError ? error.message : `the model could not be loaded: ${error}`
  const { code } = error instanceof Error ? (error as NodeJS.ErrnoException) : {}
  const message = `${what}${code === undefined ? '' : ` (${code})`}; requests get 503 from now on`
  process.emitWarning(message, { type: 'SluiceWarning', code: 'SLUICE_ENGINE' })
}

/** What the program itself threw shows nothing of its inside. */
function inWords(error: unknown): string {
  return error instanceof SluiceError ? `: ${error.message} (${error.code})` : inCode(error)
}

function inCode(error: unknown): string {
  return error instanceof SluiceError ? ` (${error.code})` : ''
}
