import { z } from 'zod'
import { budgetMessageBytesMax } from '../../config/engine-options.js'
import { depthOf, schemaDepthMax, toolBytesMax, toolsMax } from '../../config/tools.js'
import { InvalidOptionError } from '../../engine/errors.js'
import type { ChatOptions, Tool, ToolCall, ToolChoice } from '../../engine/types.js'
import { anObject, arrayOf, boolean, int32Max, integerFrom, optional } from '../fields.js'

/** Tools, as a request names them and as a reply calls them. */

const text = z.string({ error: 'a string' })
const functionType = z.literal('function', {
  error: '"function" (tools of other kinds are not supported)',
})

const nameError = '1 to 64 of the characters A-Z a-z 0-9 _ -'
const name = z.string({ error: nameError }).regex(/^[\w-]{1,64}$/, { error: nameError })

const parametersError = `a JSON schema, an object at most ${schemaDepthMax} deep`
// Not a copy made by zod, which would leave out a property that is called __proto__.
const parameters = anObject(parametersError).refine(
  (schema) => depthOf(JSON.stringify(schema)) <= schemaDepthMax,
  { error: parametersError },
)

const functionError = 'an object such as {"name": "get_weather", "parameters": {...}}'
const tool = z
  .object(
    {
      type: functionType,
      function: z.object(
        {
          name,
          description: optional(text),
          parameters: optional(parameters),
          strict: optional(boolean()),
        },
        { error: functionError },
      ),
    },
    { error: 'an object such as {"type": "function", "function": {...}}' },
  )
  .transform(({ function: { name, description, parameters, strict } }): Tool => {
    return {
      name,
      ...(description === undefined ? {} : { description }),
      ...(parameters === undefined ? {} : { parameters }),
      ...(strict === undefined ? {} : { strict }),
    }
  })

export const tools = arrayOf(tool, 0, toolsMax, 'tools').refine(
  (all) => Buffer.byteLength(JSON.stringify(all)) <= toolBytesMax,
  { error: `tools of at most ${toolBytesMax} bytes of JSON in all` },
)

const choiceError = '"auto", "none", "required" or {"type": "function", "function": {"name": ...}}'
export const toolChoice = z.union(
  [
    z.enum(['auto', 'none', 'required']),
    z
      .object({ type: z.literal('function'), function: z.object({ name }) })
      .transform(({ function: { name } }): ToolChoice => ({ name })),
  ],
  { error: choiceError },
)

const argumentsError = `JSON text at most ${schemaDepthMax} deep`
/** A call that an assistant made in an earlier turn. */
export const toolCall = z
  .object(
    {
      id: text,
      type: functionType,
      function: z.object(
        {
          name: text,
          arguments: z
            .string({ error: argumentsError })
            .refine((json) => depthOf(json) <= schemaDepthMax, { error: argumentsError }),
        },
        { error: 'an object such as {"name": "get_weather", "arguments": "{}"}' },
      ),
    },
    { error: 'an object such as {"id": "...", "type": "function", "function": {...}}' },
  )
  .transform(({ id, function: called }): ToolCall => ({ id, ...called }))

const effortError = '"none", "low", "medium", "high" or another word of the model\'s template'
export const reasoningEffort = z
  .string({ error: effortError })
  .regex(/^[a-z]{1,32}$/i, { error: effortError })

/** How much to think, by both names that llama-server has for it. */
export const reasoningBudget = {
  reasoning_budget_tokens: optional(integerFrom(-1, int32Max)),
  thinking_budget_tokens: optional(integerFrom(-1, int32Max)),
  reasoning_budget_message: optional(
    text.refine((message) => Buffer.byteLength(message) <= budgetMessageBytesMax, {
      error: `a string of at most ${budgetMessageBytesMax} bytes`,
    }),
  ),
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
  enable_thinking: optional(boolean()),
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
  readonly tools?: Tool[] | undefined
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
    ...(tools === undefined ? {} : { tools }),
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
