import * as z from 'zod'
import type { ChatOptions, ToolChoice } from '../../../api/types.js'
import { reasoningChecks } from '../../../options/chat-options.js'
import { integerFrom, trueOrFalse } from '../../../options/checks.js'
import { requestChecks } from '../../../options/request-options.js'
import type { ErrorWords, HttpError } from '../../../web/errors.js'
import {
  anObject,
  checked,
  isEmptyArray,
  isOneOf,
  optional,
  unsupported,
  wholeBody,
} from '../../request.js'
import { toolWords, type WireTools } from '../../tool-list.js'
import {
  generationFields,
  generationOptions,
  hasStreamForOptions,
  leaveOut,
  limitOf,
  modelName,
  streamOptionsIssue,
  tokenLimit,
} from '../generation.js'
import { structureOptions } from '../response-format.js'
import { chatMessages } from './messages.js'
import { toolChoice, wireTools } from './tools.js'
import { truncation } from './truncation.js'

const effortError = '"none", "low", "medium", "high" or another word of the model\'s template'
const reasoningEffort = checked({ ...reasoningChecks.effort, expected: effortError })

/** The reasoning budget, by both names that llama-server has for it. */
const reasoningBudget = {
  reasoning_budget_tokens: optional(checked(reasoningChecks.budget)),
  thinking_budget_tokens: optional(checked(reasoningChecks.budget)),
  reasoning_budget_message: optional(checked(reasoningChecks.budgetMessage)),
}

/** For `refine`: two names of one thing. */
export function hasOneBudget(request: BudgetFields): boolean {
  const { reasoning_budget_tokens: one, thinking_budget_tokens: other } = request
  return one === undefined || other === undefined || one === other
}

export const twoBudgetsIssue = {
  path: ['thinking_budget_tokens'],
  error: 'nothing else than reasoning_budget_tokens, whose other name it is',
}

const ownArguments = z.object({
  enable_thinking: optional(checked(trueOrFalse)),
  reasoning_effort: optional(reasoningEffort),
})

/** Two have a field of their own as well; the others are the template's, and pass as they are. */
export const templateArguments = anObject("an object of the chat template's variables").transform(
  (given, context) => {
    const { enable_thinking, reasoning_effort } = given
    const own = ownArguments.safeParse({ enable_thinking, reasoning_effort })
    if (own.success) return { ...given, ...own.data } // not by zod: a key may be __proto__
    for (const issue of own.error.issues) context.issues.push(issue as z.core.$ZodRawIssue)
    return z.NEVER
  },
)

export const verbosity = z.enum(['low', 'medium', 'high'], { error: '"low", "medium" or "high"' })

/** How a conversation is gone on with, most of it by the names that llama-server gave. */
export const conversationFields = {
  parallel_tool_calls: optional(checked(trueOrFalse)),
  reasoning_effort: optional(reasoningEffort),
  chat_template_kwargs: optional(templateArguments),
  continue_final_message: optional(checked(trueOrFalse)),
  truncation: optional(truncation),
  ...reasoningBudget,
}

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
      verbosity: optional(verbosity),
      ...conversationFields,
      ...generationFields,
      ...notHere,
    },
    wholeBody,
  )
  .refine(hasStreamForOptions, streamOptionsIssue)
  .refine(hasOneBudget, twoBudgetsIssue)
  .refine(({ logprobs, top_logprobs: top = 0 }) => logprobs === true || top === 0, {
    path: ['top_logprobs'],
    error: `0 unless "logprobs" is true (${leaveOut})`,
  })

type ChatRequest = z.output<typeof chatRequest>

interface BudgetFields {
  readonly reasoning_budget_tokens?: number | undefined
  readonly thinking_budget_tokens?: number | undefined
  readonly reasoning_budget_message?: string | undefined
}

/** What errors are named by. */
interface NamedFields extends BudgetFields {
  readonly tools?: WireTools | undefined
}

interface ToolFields extends NamedFields {
  readonly tool_choice?: ToolChoice | undefined
  readonly parallel_tool_calls?: boolean | undefined
  readonly reasoning_effort?: string | undefined
  readonly verbosity?: z.output<typeof verbosity> | undefined
  readonly chat_template_kwargs?: z.output<typeof templateArguments> | undefined
  readonly continue_final_message?: boolean | undefined
}

/** The engine's options for what a request says of tools and reasoning. */
export function toolOptions(request: ToolFields): ChatOptions {
  const { tools, tool_choice, parallel_tool_calls, continue_final_message } = request
  const { enable_thinking, reasoning_effort, ...others } = request.chat_template_kwargs ?? {}
  const given = { enable_thinking, reasoning_effort }
  // As reasoning_effort: without effect where the template knows of no such thing.
  const told = { ...others, ...(request.verbosity ? { verbosity: request.verbosity } : {}) }
  const effort = request.reasoning_effort ?? given.reasoning_effort
  const budget = request.reasoning_budget_tokens ?? request.thinking_budget_tokens
  const message = request.reasoning_budget_message
  const enabled = effort === 'none' ? false : given.enable_thinking
  const reasoning = {
    ...(enabled === undefined ? {} : { enabled }),
    ...(effort === undefined || effort === 'none' ? {} : { effort }),
    ...(budget === undefined ? {} : { budget }),
    ...(message === undefined ? {} : { budgetMessage: message }),
  }
  return {
    ...(tools === undefined ? {} : { tools: tools.tools }),
    ...(tool_choice === undefined ? {} : { toolChoice: tool_choice }),
    ...(parallel_tool_calls === undefined ? {} : { parallelToolCalls: parallel_tool_calls }),
    ...(Object.keys(reasoning).length === 0 ? {} : { reasoning }),
    ...(Object.keys(told).length === 0 ? {} : { templateArguments: told }),
    ...(continue_final_message === undefined ? {} : { continueFinal: continue_final_message }),
  }
}

/** The engine's options for a request; what it leaves open stays open, but for `maxTokens`. */
export function requestOptions(request: ChatRequest, maxTokens: number | undefined): ChatOptions {
  const limit = limitOf(request.max_completion_tokens ?? request.max_tokens) ?? maxTokens
  const { n, logprobs, top_logprobs: alternatives = 0, truncation: fit } = request
  return {
    ...generationOptions(request),
    ...structureOptions(request),
    ...toolOptions(request),
    ...(limit === undefined ? {} : { maxTokens: limit }),
    ...(n === undefined ? {} : { n }),
    ...(fit === undefined ? {} : { fit }),
    ...(logprobs === true ? { logprobs: alternatives } : {}),
  }
}

/** The same words, and the request's own for its tools and for the budget that it asked for. */
export function chatWords(words: ErrorWords, request: NamedFields): ErrorWords {
  const ofTools = toolWords(words, request.tools)
  const { reasoning_budget_tokens: first, thinking_budget_tokens: other } = request
  if (first !== undefined || other === undefined) return ofTools
  const option = 'reasoning.budget'
  const named = (error: HttpError) => {
    const { place, message } = error
    if (place === undefined || !('option' in place) || place.option !== option) {
      return ofTools.named(error)
    }
    const name = 'thinking_budget_tokens'
    return words.named(error.at(name, message.replace(option, name)))
  }
  return { ...words, named }
}
