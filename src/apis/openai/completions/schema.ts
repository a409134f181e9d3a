import { z } from 'zod'
import { aString, integerFrom, trueOrFalse } from '../../../options/checks.js'
import { requestChecks } from '../../../options/request-options.js'
import { checked, optional } from '../../fields.js'
import { inputs } from '../../inputs.js'
import {
  generationFields,
  hasStreamForOptions,
  leaveOut,
  modelName,
  streamOptionsIssue,
} from '../generation.js'

/** OpenAI's limit of a chat. */
const choicesMax = 128
/** OpenAI's default of this endpoint. */
export const maxTokensDefault = 16

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
    { error: 'a JSON object as the body' },
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
