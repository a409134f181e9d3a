import * as z from 'zod'
import type { CompletionOptions } from '../../../api/types.js'
import { aString, integerFrom, trueOrFalse } from '../../../options/checks.js'
import { requestChecks } from '../../../options/request-options.js'
import { HttpError } from '../../../web/errors.js'
import { checked, inputs, optional, wholeBody } from '../../request.js'
import {
  generationFields,
  generationOptions,
  hasStreamForOptions,
  leaveOut,
  limitOf,
  modelName,
  streamOptionsIssue,
} from '../generation.js'
import { structureOptions } from '../response-format.js'

/** OpenAI's limit of a chat. */
const choicesMax = 128
/** OpenAI's default of this endpoint. */
const maxTokensDefault = 16

/** POST /v1/completions. Unknown keys pass; null reads as left out. */
export const completionRequest = z
  .object(
    {
      model: modelName,
      prompt: inputs({ emptyTexts: true }),
      suffix: optional(checked(aString)),
      echo: optional(checked(trueOrFalse)),
      n: optional(checked(integerFrom(1, choicesMax))),
      best_of: optional(checked(integerFrom(1, choicesMax))),
      // As many as a chat may ask for; OpenAI's own limit of this endpoint is 5.
      logprobs: optional(checked(requestChecks.logprobs)),
      ...generationFields,
    },
    wholeBody,
  )
  .refine(hasStreamForOptions, streamOptionsIssue)
  .refine(({ n = 1, best_of: bestOf = n }) => bestOf === n, {
    path: ['best_of'],
    error: `the same as n (choosing the best of more is not supported; ${leaveOut})`,
  })
  .refine(({ echo, logprobs, suffix = '' }) => !(echo && logprobs !== undefined && suffix), {
    path: ['echo'],
    error:
      'false where there are logprobs and a suffix (what the model is given is not the prompt)',
  })

export type CompletionRequest = z.output<typeof completionRequest>

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
    ...structureOptions(request),
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

/** Where a request's prompt stands in it: `prompt`, or `prompt[2]` among several. */
export function promptPath(all: readonly unknown[], index: number): string {
  return all.length === 1 ? 'prompt' : `prompt[${index}]`
}
