import { ContextLengthError } from '../../api/errors.js'
import { optionName } from '../../options/spoken-names.js'
import type { EarlyStream } from '../../web/early.js'
import type { ErrorKind, ErrorWords, HttpError } from '../../web/errors.js'
import { errorWords } from '../openai/errors.js'

/** Types that llama-server has for some kinds; those of the others follow from their status. */
const ownTypes: Partial<Record<ErrorKind, string>> = {
  context_length: 'exceed_context_size_error',
  not_supported: 'not_supported_error',
}

function typeOf({ kind, status }: HttpError): string {
  const own = ownTypes[kind]
  if (own !== undefined) return own
  if (status === 401) return 'authentication_error'
  if (status === 403) return 'permission_error'
  if (status === 404) return 'not_found_error'
  if (status === 503) return 'unavailable_error'
  return status < 500 ? 'invalid_request_error' : 'server_error'
}

/** llama-server's error body: its `code` is the status. */
interface LlamaErrorBody {
  readonly error: {
    readonly code: number
    readonly message: string
    readonly type: string
    /** With exceed_context_size_error. */
    readonly n_prompt_tokens?: number
    readonly n_ctx?: number
  }
}

function errorBody(error: HttpError): LlamaErrorBody {
  const { status, message, cause } = error
  const told = { code: status, message, type: typeOf(error) }
  if (!(cause instanceof ContextLengthError)) return { error: told }
  const { promptTokens, contextTokens } = cause
  const sizes = { n_prompt_tokens: promptTokens, n_ctx: contextTokens }
  return { error: { ...told, message: tooLong(cause), ...sizes } }
}

/** With the words that llama-server's clients look for. */
function tooLong({ promptTokens, contextTokens }: ContextLengthError): string {
  return (
    `request (${promptTokens} tokens) exceeds the available context size ` +
    `(${contextTokens} tokens); send less, or have the server give more (${optionName('context')})`
  )
}

/** How a request in llama-server's own shape is told what is wrong with it. */
export function llamaWords(prompt = 'prompt'): ErrorWords {
  return { ...errorWords({ prompt }), body: errorBody }
}

/** The last frame of a stream that an error ends. */
export function llamaErrorFrame(error: HttpError): string {
  return `data: ${JSON.stringify(errorBody(error))}\n\n`
}

/** How a stream is told so where it begins before its model is loaded. */
export function earlyLlamaStream({
  stream,
}: {
  readonly stream: boolean
}): EarlyStream | undefined {
  return stream ? { errorFrame: llamaErrorFrame } : undefined
}
