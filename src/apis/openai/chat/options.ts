import type { ChatOptions } from '../../../api/types.js'
import { generationOptions, limitOf } from '../generation.js'
import type { ChatRequest } from './schema.js'
import { toolOptions } from './tools.js'

/** The engine's options for a request; what it leaves open stays open, but for `maxTokens`. */
export function requestOptions(request: ChatRequest, maxTokens: number | undefined): ChatOptions {
  const limit = limitOf(request.max_completion_tokens ?? request.max_tokens) ?? maxTokens
  const { n, logprobs, top_logprobs: alternatives = 0 } = request
  return {
    ...generationOptions(request),
    ...toolOptions(request),
    ...(limit === undefined ? {} : { maxTokens: limit }),
    ...(n === undefined ? {} : { n }),
    ...(logprobs === true ? { logprobs: alternatives } : {}),
  }
}
