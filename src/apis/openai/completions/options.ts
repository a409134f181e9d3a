import type { CompletionOptions } from '../../../api/types.js'
import { HttpError } from '../../../web/errors.js'
import { generationOptions, limitOf } from '../generation.js'
import { type CompletionRequest, maxTokensDefault } from './schema.js'

/**
 * The engine's options, the same for each of a request's prompts.
 * @param maxTokens the server's own limit, where a request asks for no limit
 */
export function completionOptions(
  request: CompletionRequest,
  maxTokens: number | undefined,
): CompletionOptions {
  const { n, logprobs, suffix, echo = false } = request
  const limit = limitOf(request.max_tokens ?? maxTokensDefault) ?? maxTokens
  return {
    ...generationOptions(request),
    ...(limit === undefined ? {} : { maxTokens: limit }),
    ...(n === undefined ? {} : { n }),
    ...(logprobs === undefined ? {} : { logprobs }),
    ...(logprobs !== undefined && echo ? { promptLogprobs: logprobs } : {}),
    // An empty suffix is none: nothing follows, so there is no gap.
    ...(suffix === undefined || suffix === '' ? {} : { suffix }),
  }
}

/**
 * Throws a 400 for more replies than are taken in at once: they would never be admitted together.
 * @param most as many as run and wait
 */
export function checkChoices({ prompt, n = 1 }: CompletionRequest, most: number): void {
  const choices = prompt.length * n
  if (choices <= most) return
  const param = prompt.length > 1 ? 'prompt' : 'n'
  throw new HttpError(
    'invalid_request',
    `'${param}': expected at most ${most} choices in all (prompts times n), as many as this ` +
      `server runs and queues, but got ${choices}; send the prompts in several requests.`,
    { field: param },
  )
}
