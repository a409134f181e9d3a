import {
  CancelledError,
  ClosedError,
  ContextLengthError,
  EngineCrashedError,
  EngineEndedError,
  EngineFailedError,
  GpuUnavailableError,
  InvalidGrammarError,
  InvalidRequestError,
  InvalidSchemaError,
  ModelInvalidError,
  ModelNotFoundError,
  OutOfMemoryError,
  QueueTimeoutError,
  type SluiceError,
  WorkerUnavailableError,
} from '../api/errors.js'
import type { LoadWarning } from '../api/placement-types.js'
import type { NativeErrorCode, NativeErrorDetails } from '../binding/engine-port.js'
import { withOwnNames } from '../options/spoken-names.js'

type NativeError = { code: NativeErrorCode; message: string } & NativeErrorDetails

/** The class of a native error. */
export function errorOf(error: NativeError): SluiceError {
  const { code, promptTokens, contextTokens, input, option } = error
  const message = withOwnNames(error.message)
  switch (code) {
    case 'ERR_MODEL_NOT_FOUND':
      return new ModelNotFoundError(message)
    case 'ERR_MODEL_INVALID':
      return new ModelInvalidError(message)
    case 'ERR_OUT_OF_MEMORY':
      return new OutOfMemoryError(message)
    case 'ERR_GPU_UNAVAILABLE':
      return new GpuUnavailableError(message)
    case 'ERR_WORKER_UNAVAILABLE':
      return new WorkerUnavailableError(message)
    case 'ERR_CONTEXT_LENGTH':
      return new ContextLengthError(message, promptTokens ?? 0, contextTokens ?? 0, input)
    case 'ERR_INVALID_REQUEST':
      return new InvalidRequestError(message, { input, option })
    case 'ERR_INVALID_GRAMMAR':
      return new InvalidGrammarError(message)
    case 'ERR_INVALID_SCHEMA':
      return new InvalidSchemaError(message)
    case 'ERR_QUEUE_TIMEOUT':
      return new QueueTimeoutError(message)
    case 'ERR_CANCELLED':
      return new CancelledError(message)
    case 'ERR_CLOSED':
      return new ClosedError(message)
    case 'ERR_ENGINE_FAILED':
      return new EngineFailedError(message)
    case 'ERR_ENGINE_ENDED':
      return new EngineEndedError(message)
    case 'ERR_ENGINE_CRASHED':
      return new EngineCrashedError(message)
  }
}

/** An engine that ended by itself. The native side has no words where it has no memory for them. */
export function engineEnded(cause: NativeError): EngineEndedError {
  const message = cause.message || 'memory ran out'
  const error = errorOf({ ...cause, message })
  return new EngineEndedError(`the engine ended by itself: ${message} (${error.code})`, {
    cause: error,
  })
}

/** Warnings of a load, with the names that options have here. */
export function inOwnNames<Told extends { readonly warnings: readonly LoadWarning[] }>(
  told: Told,
): Told {
  const warnings = told.warnings.map(({ code, message }) => ({
    code,
    message: withOwnNames(message),
  }))
  return { ...told, warnings }
}
