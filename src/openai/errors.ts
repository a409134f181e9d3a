import {
  ContextLengthError,
  type ErrorCode,
  InvalidGrammarError,
  InvalidOptionError,
  InvalidRequestError,
  InvalidSchemaError,
  SluiceError,
} from '../api/errors.js'
import { ofFunction, wireName } from './option-names.js'

/**
 * The one table of what can go wrong on the wire: HTTP status, `type`, `code`, and the seconds
 * after which trying again makes sense (at most 60: openai-node honours no more).
 */
const table = {
  invalid_request: [400, 'invalid_request_error', null],
  invalid_grammar: [400, 'invalid_request_error', 'invalid_grammar'],
  invalid_schema: [400, 'invalid_request_error', 'invalid_schema'],
  body_read: [400, 'invalid_request_error', 'body_already_read'],
  context_length: [400, 'invalid_request_error', 'context_length_exceeded'],
  invalid_key: [401, 'authentication_error', 'invalid_api_key'],
  host: [403, 'permission_error', 'host_not_allowed'],
  origin: [403, 'permission_error', 'origin_not_allowed'],
  model: [404, 'invalid_request_error', 'model_not_found'],
  route: [404, 'invalid_request_error', 'route_not_found'],
  method: [405, 'invalid_request_error', 'method_not_allowed'],
  request_timeout: [408, 'timeout_error', 'request_timeout'],
  body_size: [413, 'invalid_request_error', 'body_too_large'],
  media_type: [415, 'invalid_request_error', 'unsupported_media_type'],
  expectation: [417, 'invalid_request_error', 'expectation_failed'],
  queue_full: [429, 'rate_limit_error', 'queue_full', 1],
  header_size: [431, 'invalid_request_error', 'headers_too_large'],
  engine_failed: [500, 'server_error', 'engine_failed'],
  internal: [500, 'server_error', 'internal_error'],
  engine_ended: [503, 'server_error', 'engine_ended'],
  load_failed: [503, 'server_error', 'load_failed'],
  loading: [503, 'server_error', 'loading', 1],
  shutting_down: [503, 'server_error', 'shutting_down', 5],
  queue_timeout: [503, 'server_error', 'queue_timeout', 5],
  engine_stalled: [503, 'timeout_error', 'engine_stalled', 10],
  http_version: [505, 'invalid_request_error', 'http_version_not_supported'],
} as const satisfies Record<
  string,
  readonly [status: number, type: string, code: string | null, retryAfterSeconds?: number]
>

export type ErrorKind = keyof typeof table

export const errorKinds = Object.keys(table) as ErrorKind[]

/** How each of the engine's errors reads on the wire; a Record, so that none is forgotten. */
const kindOfCode: Record<ErrorCode, ErrorKind> = {
  ERR_BINARY_MISSING: 'engine_failed',
  ERR_MODEL_NOT_FOUND: 'engine_failed',
  ERR_MODEL_INVALID: 'engine_failed',
  ERR_OUT_OF_MEMORY: 'engine_failed',
  ERR_GPU_UNAVAILABLE: 'engine_failed',
  ERR_CONTEXT_LENGTH: 'context_length',
  ERR_INVALID_REQUEST: 'invalid_request',
  ERR_INVALID_OPTION: 'invalid_request',
  ERR_INVALID_GRAMMAR: 'invalid_grammar',
  ERR_INVALID_SCHEMA: 'invalid_schema',
  ERR_OVERLOADED: 'queue_full',
  ERR_QUEUE_TIMEOUT: 'queue_timeout',
  ERR_CANCELLED: 'internal',
  ERR_CLOSED: 'shutting_down',
  ERR_ENGINE_FAILED: 'engine_failed',
  ERR_ENGINE_ENDED: 'engine_ended',
}

/** OpenAI's error body: all four fields, always. */
export interface ErrorBody {
  readonly error: {
    readonly message: string
    readonly type: string
    readonly param: string | null
    readonly code: string | null
  }
}

/** An error as a client of the HTTP interface sees it. */
export class ApiError extends Error {
  readonly kind: ErrorKind
  readonly status: number
  readonly type: string
  readonly code: string | null
  /** The field of the request that is at fault, for example `messages[0].role`. */
  readonly param: string | null
  /** For the Retry-After header; undefined where trying again would not help. */
  readonly retryAfterSeconds: number | undefined

  constructor(kind: ErrorKind, message: string, options: { param?: string; cause?: unknown } = {}) {
    super(message, 'cause' in options ? { cause: options.cause } : undefined)
    const [status, type, code, retryAfterSeconds] = table[kind] as readonly [
      number,
      string,
      string | null,
      number?,
    ]
    this.name = 'ApiError'
    this.kind = kind
    this.status = status
    this.type = type
    this.code = code
    this.param = options.param ?? null
    this.retryAfterSeconds = retryAfterSeconds
  }

  body(): ErrorBody {
    const { message, type, param, code } = this
    return { error: { message, type, param, code } }
  }
}

/**
 * Any thrown value as the wire shows it. What is not known shows nothing of its inside.
 * @param promptField the request's field that holds the prompt
 */
export function toApiError(error: unknown, promptField = 'messages'): ApiError {
  if (error instanceof ApiError) return error
  if (!(error instanceof SluiceError)) {
    return new ApiError('internal', 'The server failed to handle this request.', { cause: error })
  }
  const kind = kindOfCode[error.code]
  if (error instanceof InvalidRequestError && error.option !== undefined) {
    return new ApiError(kind, error.message, { param: wireName(error.option), cause: error })
  }
  if (error instanceof ContextLengthError || error instanceof InvalidRequestError) {
    const at = error.input === undefined ? '' : `[${error.input}]`
    return new ApiError(kind, error.message, { param: `${promptField}${at}`, cause: error })
  }
  if (error instanceof InvalidOptionError) {
    const param = wireName(error.option)
    return new ApiError(kind, error.message.replace(error.option, param), { param, cause: error })
  }
  if (error instanceof InvalidGrammarError || error instanceof InvalidSchemaError) {
    return new ApiError(kind, error.message, { param: ofFunction(error.path), cause: error })
  }
  return new ApiError(kind, error.message, { cause: error })
}
