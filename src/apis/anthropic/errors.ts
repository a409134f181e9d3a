import { ContextLengthError } from '../../api/errors.js'
import type { ErrorKind, ErrorWords, HttpError } from '../../web/errors.js'
import { oneLine } from '../one-line.js'

/** Each kind's `type`. */
const types: Record<ErrorKind, string> = {
  invalid_request: 'invalid_request_error',
  invalid_grammar: 'invalid_request_error',
  invalid_schema: 'invalid_request_error',
  body_read: 'invalid_request_error',
  context_length: 'invalid_request_error',
  previous_response: 'invalid_request_error',
  item: 'invalid_request_error',
  invalid_key: 'authentication_error',
  host: 'permission_error',
  origin: 'permission_error',
  not_allowed: 'permission_error',
  model: 'not_found_error',
  response: 'not_found_error',
  route: 'not_found_error',
  method: 'invalid_request_error',
  request_timeout: 'timeout_error',
  body_size: 'request_too_large',
  media_type: 'invalid_request_error',
  expectation: 'invalid_request_error',
  queue_full: 'rate_limit_error',
  key_requests: 'rate_limit_error',
  key_tokens: 'rate_limit_error',
  header_size: 'invalid_request_error',
  engine_failed: 'api_error',
  internal: 'api_error',
  engine_ended: 'api_error',
  engine_crashed: 'api_error',
  load_failed: 'api_error',
  model_unusable: 'api_error',
  model_unloaded: 'overloaded_error',
  loading: 'overloaded_error',
  shutting_down: 'overloaded_error',
  queue_timeout: 'overloaded_error',
  engine_stalled: 'overloaded_error',
  deadline: 'timeout_error',
  not_supported: 'invalid_request_error',
  http_version: 'invalid_request_error',
}

/** By this the tool runner of Anthropic's SDK knows to send the whole conversation instead. */
const noThreads = { error_code: 'thread_unsupported_request' }

/** The status that Anthropic has for `overloaded_error`, which its clients know it by. */
const overloaded = 529

/** Anthropic's error body. It has no place for a field, which the message names. */
export interface ErrorBody {
  readonly type: 'error'
  readonly error: {
    readonly type: string
    readonly message: string
    readonly details?: { readonly error_code: string }
  }
  readonly request_id: string
}

export function errorBody({ kind, message, field }: HttpError, requestId: string): ErrorBody {
  const details = field === 'thread' ? { details: noThreads } : {}
  return { type: 'error', error: { type: types[kind], message, ...details }, request_id: requestId }
}

/** An error after the headers: the stream ends without message_stop. */
export function errorFrame(error: HttpError, requestId: string): string {
  return `event: error\ndata: ${oneLine(errorBody(error, requestId))}\n\n`
}

/** Names of the engine's options in a request, where they are not spelt the same. */
const fields = new Map([
  ['maxTokens', 'max_tokens'],
  ['topP', 'top_p'],
  ['topK', 'top_k'],
  ['stop', 'stop_sequences'],
  ['cacheSalt', 'cache_salt'],
  ['toolChoice', 'tool_choice'],
  ['toolChoice.name', 'tool_choice.name'],
  ['parallelToolCalls', 'tool_choice.disable_parallel_tool_use'],
  ['reasoning.budget', 'thinking.budget_tokens'],
  ['reasoning.effort', 'output_config.effort'],
])

export const errorWords: ErrorWords = {
  challenge: 'Bearer',
  named,
  body: errorBody,
  status: ({ kind, status }) => (types[kind] === 'overloaded_error' ? overloaded : status),
}

function named(error: HttpError): HttpError {
  const { place, message, cause } = error
  if (error.kind === 'context_length' && cause instanceof ContextLengthError) {
    return error.at('messages', tooLong(cause))
  }
  if (place === undefined) return error
  if ('input' in place) return error.at('messages')
  if ('schema' in place) return error.at(place.schema)
  const name = fields.get(place.option) ?? place.option
  return error.at(name, message.replace(place.option, name))
}

/**
 * In Anthropic's words: Claude Code looks for them, and shortens the conversation where it finds
 * them. Of any other error it would tell its user.
 */
function tooLong({ promptTokens, contextTokens }: ContextLengthError): string {
  // A prompt that fills the context leaves no room for a reply, and is too long by one token.
  const most = Math.min(contextTokens, promptTokens - 1)
  return `prompt is too long: ${promptTokens} tokens > ${most} maximum`
}
