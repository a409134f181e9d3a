import type { EarlyStream } from '../../web/early.js'
import type { ErrorKind, ErrorWords, HttpError } from '../../web/errors.js'
import { ofFunction, wireName } from './option-names.js'

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
  model: 'invalid_request_error',
  route: 'invalid_request_error',
  response: 'invalid_request_error',
  method: 'invalid_request_error',
  request_timeout: 'timeout_error',
  body_size: 'invalid_request_error',
  media_type: 'invalid_request_error',
  expectation: 'invalid_request_error',
  queue_full: 'rate_limit_error',
  key_requests: 'requests', // these two are OpenAI's words for which limit it was
  key_tokens: 'tokens',
  header_size: 'invalid_request_error',
  engine_failed: 'server_error',
  internal: 'server_error',
  engine_ended: 'server_error',
  engine_crashed: 'server_error',
  load_failed: 'server_error',
  model_unusable: 'server_error',
  model_unloaded: 'server_error',
  loading: 'server_error',
  shutting_down: 'server_error',
  queue_timeout: 'server_error',
  engine_stalled: 'timeout_error',
  deadline: 'timeout_error',
  not_supported: 'invalid_request_error',
  http_version: 'invalid_request_error',
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

export function errorBody({ kind, message, field, code }: HttpError): ErrorBody {
  return { error: { message, type: types[kind], param: field ?? null, code: code ?? null } }
}

/** An error after the headers. The stream ends without [DONE]: with it, clients read success. */
export function errorFrame(error: HttpError): string {
  return `data: ${JSON.stringify(errorBody(error))}\n\n`
}

/** How a chat or completion is told so where its stream begins before its model is loaded. */
export function earlyStream({ stream }: { readonly stream: boolean }): EarlyStream | undefined {
  return stream ? { errorFrame } : undefined
}

/** What a request calls things. */
interface RequestWords {
  /** Its field that holds the prompt: what is blamed where the engine cannot take it. */
  readonly prompt?: string
  /** Of fields that it calls by other names than ours; see compatibility.ts. */
  readonly names?: ReadonlyMap<string, string>
}

/** How a request is told what is wrong with it. */
export function errorWords({ prompt = 'messages', names }: RequestWords = {}): ErrorWords {
  return {
    challenge: 'Bearer',
    named: (error) => inTheirWords(inWireWords(error, prompt), names),
    body: errorBody,
  }
}

function inWireWords(error: HttpError, prompt: string): HttpError {
  const { place, message } = error
  if (place === undefined) return error
  if ('input' in place) {
    const number = place.input === undefined ? '' : `[${place.input}]`
    return error.at(`${prompt}${number}`)
  }
  if ('schema' in place) return error.at(ofFunction(place.schema))
  const name = wireName(place.option)
  return error.at(
    name,
    message.replace(place.option, () => name),
  )
}

/** The same error in the words of the request. */
function inTheirWords(error: HttpError, names: ReadonlyMap<string, string> = new Map()): HttpError {
  const { field } = error
  if (field === undefined) return error
  const [head = field] = /^\w+/.exec(field) ?? []
  const said =
    names.get(field) ?? (names.has(head) ? names.get(head) + field.slice(head.length) : '')
  return said
    ? error.at(
        said,
        error.message.replace(`'${field}'`, () => `'${said}'`),
      )
    : error
}
