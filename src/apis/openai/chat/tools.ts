import { z } from 'zod'
import { InvalidOptionError } from '../../../api/errors.js'
import type { ChatOptions, ToolCall, ToolChoice } from '../../../api/types.js'
import { reasoningChecks } from '../../../options/chat-options.js'
import { trueOrFalse } from '../../../options/checks.js'
import { anObject, checked, optional } from '../../fields.js'
import type { WireTools } from './wire-tools.js'

/** Tools, as a request names them and as a reply calls them. */

const effortError = '"none", "low", "medium", "high" or another word of the model\'s template'
export const reasoningEffort = checked({ ...reasoningChecks.effort, expected: effortError })

/** How much to think, by both names that llama-server has for it. */
export const reasoningBudget = {
  reasoning_budget_tokens: optional(checked(reasoningChecks.budget)),
  thinking_budget_tokens: optional(checked(reasoningChecks.budget)),
  reasoning_budget_message: optional(checked(reasoningChecks.budgetMessage)),
}

/** An error of the engine with the request's own name for the budget. */
export function budgetError(error: unknown, request: BudgetFields): unknown {
  const option = 'reasoning.budget'
  if (!(error instanceof InvalidOptionError) || error.option !== option) return error
  if (request.reasoning_budget_tokens !== undefined) return error
  const name = 'thinking_budget_tokens'
  return new InvalidOptionError(name, error.message.replace(option, name))
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

interface BudgetFields {
  readonly reasoning_budget_tokens?: number | undefined
  readonly thinking_budget_tokens?: number | undefined
  readonly reasoning_budget_message?: string | undefined
}

interface ToolFields extends BudgetFields {
  readonly tools?: WireTools | undefined
  readonly tool_choice?: ToolChoice | undefined
  readonly parallel_tool_calls?: boolean | undefined
  readonly reasoning_effort?: string | undefined
  readonly verbosity?: z.output<typeof verbosity> | undefined
  readonly chat_template_kwargs?: z.output<typeof templateArguments> | undefined
  readonly continue_final_message?: boolean | undefined
}

/** The engine's options for what a request says of tools and thoughts. */
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

/** A whole call, as a reply that is not streamed has it. */
export function wireToolCall({ id, name, arguments: json }: ToolCall) {
  return { id, type: 'function', function: { name, arguments: json } }
}
