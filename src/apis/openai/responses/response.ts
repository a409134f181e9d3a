import type { FinishReason, Usage } from '../../../api/types.js'
import type { HttpError } from '../../../web/errors.js'
import type { OutputItem } from './output.js'

/** What of a request its response repeats. */
export interface Told {
  readonly instructions: string | null
  readonly max_output_tokens: number | null
  readonly metadata: object | null
  readonly parallel_tool_calls: boolean
  readonly previous_response_id: string | null
  readonly prompt_cache_key?: string
  readonly reasoning: { readonly effort: string | null; readonly summary: string | null }
  readonly safety_identifier?: string
  readonly temperature: number | null
  readonly text: object
  readonly tool_choice: unknown
  readonly tools: readonly unknown[]
  readonly top_logprobs: number
  readonly top_p: number | null
  readonly truncation: 'auto' | 'disabled'
  readonly user?: string
}

/** What is the same in a response from its beginning to its end. */
export interface Head extends Told {
  readonly id: string
  readonly object: 'response'
  /** Unix seconds. */
  readonly created_at: number
  /** The name that the request asked for. */
  readonly model: string
  readonly background: false
}

/** Why a response failed, as its `error` has it. */
interface ResponseFault {
  readonly code: 'server_error' | 'rate_limit_exceeded' | 'invalid_prompt'
  readonly message: string
}

export type ResponseBody = ReturnType<typeof responseBody>

/** A response as it stands. */
export function responseBody(head: Head, state: State) {
  const { status, output, usage, error = null } = state
  const isCut = status === 'incomplete'
  return {
    ...head,
    status,
    error,
    incomplete_details: isCut ? { reason: 'max_output_tokens' } : null,
    output,
    ...(usage === undefined ? {} : { usage: responseUsage(usage) }),
    ...(status === 'completed' ? { completed_at: Math.floor(Date.now() / 1000) } : {}),
  }
}

interface State {
  readonly status: 'in_progress' | 'completed' | 'incomplete' | 'failed'
  readonly output: readonly OutputItem[]
  readonly usage?: Usage
  readonly error?: ResponseFault
}

export function statusOf(reason: FinishReason): 'completed' | 'incomplete' {
  if (reason === 'cancelled') throw new Error('a cancelled reply has no response on the wire')
  return reason === 'length' ? 'incomplete' : 'completed'
}

/** Counts as responses name them. Nothing is paid for as written to a cache. */
function responseUsage({ promptTokens, cachedTokens, completionTokens, reasoningTokens }: Usage) {
  return {
    input_tokens: promptTokens,
    input_tokens_details: { cached_tokens: cachedTokens, cache_write_tokens: 0 },
    output_tokens: completionTokens,
    output_tokens_details: { reasoning_tokens: reasoningTokens ?? 0 },
    total_tokens: promptTokens + completionTokens,
  }
}

/** A response knows fewer codes than an error does. */
export function faultOf({ status, message }: HttpError): ResponseFault {
  if (status === 429) return { code: 'rate_limit_exceeded', message }
  return { code: status < 500 ? 'invalid_prompt' : 'server_error', message }
}
