import { z } from 'zod'
import { integerFrom, trueOrFalse } from '../../../options/checks.js'
import { requestChecks } from '../../../options/request-options.js'
import { checked, isEmptyArray, isOneOf, optional, unsupported } from '../../fields.js'
import {
  generationFields,
  hasStreamForOptions,
  leaveOut,
  modelName,
  streamOptionsIssue,
  tokenLimit,
} from '../generation.js'
import { chatMessages } from './message.js'
import { toolChoice } from './tool-choice.js'
import {
  hasOneBudget,
  reasoningBudget,
  reasoningEffort,
  templateArguments,
  twoBudgetsIssue,
  verbosity,
} from './tools.js'
import { wireTools } from './wire-tools.js'

/** OpenAI's limit. */
const choicesMax = 128

/** OpenAI's fields that this server does not have: refused where they ask for something. */
const notHere = {
  functions: unsupported(`no functions (they are not supported; ${leaveOut})`, isEmptyArray),
  function_call: unsupported('"none" or "auto" (there are no functions)', isOneOf('none', 'auto')),
  modalities: unsupported(
    '["text"] (this server writes text only)',
    (value) => Array.isArray(value) && value.every((one) => one === 'text'),
  ),
  audio: unsupported(`no audio (this server writes text only; ${leaveOut})`),
  web_search_options: unsupported(`no web search (this server has none; ${leaveOut})`),
}

/**
 * POST /v1/chat/completions. Unknown keys pass; null reads as left out. What is left out gets the
 * engine's default, which a server's owner may have set.
 */
export const chatRequest = z
  .object(
    {
      model: modelName,
      messages: chatMessages,
      max_completion_tokens: optional(tokenLimit),
      // At most as many as run at once, which the engine knows.
      n: optional(checked(integerFrom(1, choicesMax))),
      logprobs: optional(checked(trueOrFalse)),
      top_logprobs: optional(checked(requestChecks.logprobs)),
      tools: optional(wireTools),
      tool_choice: optional(toolChoice),
      parallel_tool_calls: optional(checked(trueOrFalse)),
      reasoning_effort: optional(reasoningEffort),
      verbosity: optional(verbosity),
      // Local extras, by the names that llama-server gave them.
      chat_template_kwargs: optional(templateArguments),
      continue_final_message: optional(checked(trueOrFalse)),
      ...reasoningBudget,
      ...generationFields,
      ...notHere,
    },
    { error: 'a JSON object as the body' },
  )
  .refine(hasStreamForOptions, streamOptionsIssue)
  .refine(hasOneBudget, twoBudgetsIssue)
  .refine(({ logprobs, top_logprobs: top = 0 }) => logprobs === true || top === 0, {
    path: ['top_logprobs'],
    error: `0 unless "logprobs" is true (${leaveOut})`,
  })

export type ChatRequest = z.output<typeof chatRequest>
