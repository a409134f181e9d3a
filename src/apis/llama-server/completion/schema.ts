import * as z from 'zod'
import type { CompletionOptions } from '../../../api/types.js'
import { aString } from '../../../options/checks.js'
import { requestChecks } from '../../../options/request-options.js'
import { off, refused, refusedNotHere } from '../../openai/compatibility.js'
import {
  generationFields,
  generationOptions,
  limitOf,
  modelName,
  tokenLimit,
} from '../../openai/generation.js'
import { structureOptions } from '../../openai/response-format.js'
import { arrayOf, checked, flag, optional, wholeBody } from '../../request.js'
import { llamaSeed } from '../../seed.js'
import { knownFieldsOf } from '../../unknown-fields.js'
import { logitBias } from './biases.js'
import { prompts } from './prompts.js'

const fieldsMax = 64

const { max_tokens, stream_options: _options, logit_bias: _bias, ...fields } = generationFields

/** What both endpoints take that continue a text in llama-server's shape. */
const completionFields = {
  model: modelName,
  n_predict: optional(tokenLimit),
  max_tokens,
  ...fields,
  seed: optional(llamaSeed),
  logit_bias: optional(logitBias),
  n_probs: optional(checked(requestChecks.logprobs)).pipe(z.number().default(0)),
  return_tokens: flag(),
  timings_per_token: flag(),
  response_fields: optional(arrayOf(checked(aString), 0, fieldsMax, 'names of fields')),
  post_sampling_probs: refusedNotHere('post_sampling_probs'),
  min_keep: refusedNotHere('min_keep'),
  adaptive_target: refusedNotHere('adaptive_target'),
  t_max_predict_ms: refusedNotHere('t_max_predict_ms'),
  n_indent: refusedNotHere('n_indent'),
  grammar_lazy: refusedNotHere('grammar_lazy'),
  grammar_triggers: refusedNotHere('grammar_triggers'),
  n_cmpl: refused(off(1)),
  n: refused(off(1)),
}

/** POST /completion. Unknown keys pass; null reads as left out. */
export const llamaCompletionRequest = z.object({ prompt: prompts, ...completionFields }, wholeBody)

/** Without effect: what is about where and how fast, and what belongs to what is off. */
const withoutEffect = [
  ...['cache_prompt', 'id_slot', 'n_keep', 'n_discard', 'return_progress', 'preserved_tokens'],
  ...['adaptive_decay', 'backend_sampling', 'speculative.n_max'],
]

export const knownCompletionFields = knownFieldsOf(llamaCompletionRequest, withoutEffect)

/** What of a request makes a difference to its reply, beside the prompt. */
export type CompletionSettings = Omit<z.output<typeof llamaCompletionRequest>, 'prompt'>

/**
 * The engine's options for what a request says, but for its biases.
 * @param maxTokens the server's own limit, where a request asks for no limit
 */
export function completionOptions(
  { logit_bias: _, ...request }: CompletionSettings,
  maxTokens: number | undefined,
): CompletionOptions {
  const limit = limitOf(request.n_predict ?? request.max_tokens) ?? maxTokens
  const told = { ...request, stream_options: undefined, logit_bias: undefined }
  return {
    ...generationOptions(told),
    ...structureOptions(told),
    ...(limit === undefined ? {} : { maxTokens: limit }),
    // A token's number comes with how likely it was.
    ...(tellsTokens(request) ? { logprobs: request.n_probs } : {}),
  }
}

function tellsTokens({
  stream,
  return_tokens: returnsTokens,
  n_probs: probabilities,
}: Pick<CompletionSettings, 'stream' | 'return_tokens' | 'n_probs'>): boolean {
  return stream || returnsTokens || probabilities > 0
}

const infillChunksMax = 64
const infillText = optional(checked(aString)).pipe(z.string().default(''))
const aChunk = z.object(
  {
    text: checked(aString),
    filename: optional(checked(aString)),
  },
  { error: 'an object with a "text", and a "filename" if it has one' },
)

/** POST /infill. */
export const infillRequest = z.object(
  {
    input_prefix: checked(aString),
    input_suffix: checked(aString),
    input_extra: optional(arrayOf(aChunk, 0, infillChunksMax, 'texts')),
    prompt: infillText,
    ...completionFields,
  },
  wholeBody,
)

export const knownInfillFields = knownFieldsOf(infillRequest, withoutEffect)
