import {
  ContextLengthError,
  type ErrorCode,
  InvalidGrammarError,
  InvalidOptionError,
  InvalidRequestError,
  InvalidSchemaError,
  type SluiceError,
} from '../api/errors.js'

/**
 * The one table of what can go wrong with a call: its HTTP status, its code in the log, and the
 * seconds after which trying again makes sense (at most 60: openai-node honours no more). How it
 * is worded for a client is its protocol's affair: see src/apis/openai/errors.ts.
 */
const table = {
  invalid_request: [400, undefined],
  invalid_grammar: [400, 'invalid_grammar'],
  invalid_schema: [400, 'invalid_schema'],
  body_read: [400, 'body_already_read'],
  context_length: [400, 'context_length_exceeded'],
  previous_response: [400, 'previous_response_not_found'],
  item: [400, 'item_not_found'],
  invalid_key: [401, 'invalid_api_key'],
  host: [403, 'host_not_allowed'],
  origin: [403, 'origin_not_allowed'],
  not_allowed: [403, 'not_allowed'],
  model: [404, 'model_not_found'],
  route: [404, 'route_not_found'],
  response: [404, 'response_not_found'],
  method: [405, 'method_not_allowed'],
  request_timeout: [408, 'request_timeout'],
  body_size: [413, 'body_too_large'],
  media_type: [415, 'unsupported_media_type'],
  expectation: [417, 'expectation_failed'],
  queue_full: [429, 'queue_full', 1],
  key_requests: [429, 'rate_limit_exceeded', 1],
  key_tokens: [429, 'rate_limit_exceeded'],
  header_size: [431, 'headers_too_large'],
  engine_failed: [500, 'engine_failed'],
  internal: [500, 'internal_error'],
  model_unusable: [500, 'model_unusable'],
  engine_ended: [503, 'engine_ended'],
  engine_crashed: [503, 'engine_crashed', 1],
  load_failed: [503, 'load_failed'],
  loading: [503, 'loading', 1],
  model_unloaded: [503, 'model_unloaded', 1],
  shutting_down: [503, 'shutting_down', 5],
  queue_timeout: [503, 'queue_timeout', 5],
  engine_stalled: [503, 'engine_stalled', 10],
  deadline: [504, 'deadline_exceeded'],
  not_supported: [501, 'not_supported'],
  http_version: [505, 'http_version_not_supported'],
} as const satisfies Record<
  string,
  readonly [status: number, code: string | undefined, retryAfterSeconds?: number]
>

export type ErrorKind = keyof typeof table

export const errorKinds = Object.keys(table) as ErrorKind[]

/** Which kind each of the engine's errors is; a Record, so that none is forgotten. */
const kindOfCode: Record<ErrorCode, ErrorKind> = {
  ERR_BINARY_MISSING: 'engine_failed',
  ERR_MODEL_NOT_FOUND: 'engine_failed',
  ERR_MODEL_INVALID: 'engine_failed',
  ERR_OUT_OF_MEMORY: 'engine_failed',
  ERR_GPU_UNAVAILABLE: 'engine_failed',
  ERR_WORKER_UNAVAILABLE: 'engine_failed',
  ERR_CONTEXT_LENGTH: 'context_length',
  ERR_INVALID_REQUEST: 'invalid_request',
  ERR_INVALID_OPTION: 'invalid_request',
  ERR_INVALID_GRAMMAR: 'invalid_grammar',
  ERR_INVALID_SCHEMA: 'invalid_schema',
  ERR_INVALID_REPLY: 'internal', // of Reply.object(), which no handler asks for
  ERR_OVERLOADED: 'queue_full',
  ERR_QUEUE_TIMEOUT: 'queue_timeout',
  ERR_CANCELLED: 'internal',
  ERR_CLOSED: 'shutting_down',
  ERR_ENGINE_FAILED: 'engine_failed',
  ERR_ENGINE_ENDED: 'engine_ended',
  ERR_ENGINE_CRASHED: 'engine_crashed',
  // Of no request: pull is a load's and runTools a program's.
  ERR_PULL_FAILED: 'engine_failed',
  ERR_TOOL_FAILED: 'internal',
  ERR_MAX_ROUNDS: 'internal',
}

/** What the engine blames: one of its options, a schema or grammar, or an input by its number. */
type EnginePlace =
  | { readonly option: string }
  | { readonly schema: string }
  | { readonly input: number | undefined }

interface HttpErrorOptions {
  readonly field?: string
  readonly place?: EnginePlace | undefined
  readonly cause?: unknown
  /** Where it is known better than by the kind. */
  readonly retryAfterSeconds?: number
}

/** What went wrong with a call, for whichever protocol. */
export class HttpError extends Error {
  readonly kind: ErrorKind
  readonly status: number
  /** Undefined where the message says it all. */
  readonly code: string | undefined
  /** The field of the request that is at fault, for example `messages[0].role`. */
  readonly field: string | undefined
  /** The same as the engine has it, where no field is named yet. */
  readonly place: EnginePlace | undefined
  /** For the Retry-After header; undefined where trying again would not help. */
  readonly retryAfterSeconds: number | undefined

  constructor(kind: ErrorKind, message: string, options: HttpErrorOptions = {}) {
    super(message, 'cause' in options ? { cause: options.cause } : undefined)
    const [status, code, retryAfterSeconds] = table[kind] as readonly [number, string?, number?]
    this.name = 'HttpError'
    this.kind = kind
    this.status = status
    this.code = code
    this.field = options.field
    this.place = options.place
    this.retryAfterSeconds = options.retryAfterSeconds ?? retryAfterSeconds
  }

  /** The same with the request's own name for what is at fault. */
  at(field: string, message = this.message): HttpError {
    return new HttpError(this.kind, message, { field, cause: this.cause })
  }
}

/** By its code: a program can have several copies of the package, with a class of each in each. */
export function isEngineError(thrown: unknown): thrown is SluiceError {
  if (!(thrown instanceof Error) || !('code' in thrown)) return false
  return typeof thrown.code === 'string' && Object.hasOwn(kindOfCode, thrown.code)
}

/** Any thrown value as an error of a call. What is not known shows nothing of its inside. */
export function httpError(thrown: unknown): HttpError {
  if (thrown instanceof HttpError) return thrown
  if (!isEngineError(thrown)) {
    return new HttpError('internal', 'The server failed to handle this request.', { cause: thrown })
  }
  return new HttpError(kindOfCode[thrown.code], thrown.message, {
    place: placeOf(thrown),
    cause: thrown,
  })
}

function placeOf(error: SluiceError): EnginePlace | undefined {
  if (error instanceof InvalidOptionError) return { option: error.option }
  if (error instanceof InvalidGrammarError || error instanceof InvalidSchemaError) {
    return { schema: error.path }
  }
  if (error instanceof ContextLengthError || error instanceof InvalidRequestError) {
    const { option, input } = error
    return option === undefined ? { input } : { option }
  }
  return undefined
}

/** How a protocol tells a client what went wrong. */
export interface ErrorWords {
  /** For the header WWW-Authenticate, where a key is missing or wrong. */
  readonly challenge: string
  /** The same error, blaming what it blames by the protocol's own name. */
  named(error: HttpError): HttpError
  /** The body of an answer that says so, as a value of JSON. */
  body(error: HttpError, requestId: string): unknown
  /** The status of that answer, where it is not the error's own. */
  status?(error: HttpError): number
}
