import type { FitOptions } from '../api/fit-types.js'
import type {
  ChatOptions,
  ReasoningDefaults,
  ReasoningOptions,
  RequestNote,
  TemplateOptions,
  ToolChoice,
} from '../api/types.js'
import type { CallFormat } from '../schema/tool-grammar.js'
import { parseMessages, type TemplateMessage } from './chat-messages.js'
import {
  type Check,
  type Checks,
  check,
  fieldsOf,
  isObject,
  listOf,
  oneOf,
  parseFields,
  aString as text,
  trueOrFalse,
  wrong,
} from './checks.js'
import { budgetChecks, type ToolLimits } from './engine-options.js'
import { fit, fitChecks } from './fit-options.js'
import { choiceOf, wordOfChoice } from './other-words/tool-choice.js'
import { formOf, requestChecks } from './request-options.js'
import {
  parseTemplateArguments,
  type TemplateArgument,
  templateArguments,
} from './template-arguments.js'
import type { ToolNames } from './tools/tool-names.js'
import { noTools, PreparedToolList, parseTools, type TemplateTool } from './tools/tools.js'

/** A conversation as the engine's template takes it: complete, with what it may be answered by. */
interface TemplateChat {
  messages: TemplateMessage[]
  tools: readonly TemplateTool[]
  toolChoice: 'auto' | 'none' | 'required'
  parallelToolCalls: boolean
  wantsReasoning: boolean
  /** '' leaves it to the template. */
  reasoningEffort: string
  arguments: TemplateArgument[]
  /** Tokens; -1 is no limit. */
  reasoningBudget: number
  reasoningBudgetMessage: string
  /** The reply goes on with the last message. */
  continues: boolean
}

const effort: Check<string> = check('1 to 32 letters', (value) => {
  return typeof value === 'string' && /^[a-z]{1,32}$/i.test(value)
})

export const reasoningChecks: Checks<ReasoningOptions> = {
  effort,
  ...budgetChecks,
}

const someChecks: Checks<Extract<ToolChoice, { names: readonly string[] }>> = {
  names: listOf(65_536, text, 'names of tools'),
  mode: oneOf('auto', 'required'),
}
const toolChoice: Check<ToolChoice> = {
  ...check<ToolChoice>(
    '"auto", "none", "required" or an object such as {"name": "get_weather"}',
    (value) => {
      if (typeof value === 'string') return wordOfChoice(value) !== undefined
      if (!isObject(value)) return false
      const { name, names, type } = value as { name?: unknown; names?: unknown; type?: unknown }
      if (typeof type === 'string') return choiceOf(value) !== undefined
      return typeof name === 'string' || Array.isArray(names)
    },
  ),
  read: (value, path) => {
    if (typeof value === 'string') return wordOfChoice(value) ?? value
    if ('type' in value && typeof value.type === 'string') return choiceOf(value) ?? value
    return 'names' in value
      ? parseFields(value, someChecks, path)
      : parseFields(value, { name: text }, path)
  },
}

const templateChecks: Checks<TemplateOptions> = {
  tools: check("an array of tools (an object of tools with `run` is runTools()'s)", (value) => {
    return Array.isArray(value) || value instanceof PreparedToolList
  }),
  toolChoice,
  parallelToolCalls: trueOrFalse,
  reasoning: fieldsOf(reasoningChecks),
  templateArguments,
  continueFinal: trueOrFalse,
}
export const chatChecks: Checks<ChatOptions> = { ...requestChecks, ...templateChecks, fit }

/** @throws InvalidOptionError, with the option's name */
export function parseChatOptions(input: unknown): ChatOptions {
  const options = parseFields<ChatOptions>(input, chatChecks)
  formOf(options)
  return options
}

/** @throws InvalidOptionError, with the option's name */
export function parseTemplateOptions(input: unknown): TemplateOptions {
  return parseFields<TemplateOptions>(input, templateChecks)
}

/** @throws InvalidOptionError, with the option's name */
export function parseFitOptions(input: unknown): FitOptions {
  return parseFields<FitOptions>(input, { ...templateChecks, ...fitChecks })
}

/** How an engine can limit its model's reasoning. */
export interface ReasoningSupport {
  /** The marks that end reasoning; empty where it cannot be made to end. */
  readonly ends: readonly string[]
  readonly defaults: ReasoningDefaults
}

const noReasoning: ReasoningSupport = { ends: [], defaults: {} }

/** What `readChat` makes of a request. */
interface ReadChat {
  chat: TemplateChat
  /** The request's names of tools, by the names that the model is shown. */
  toolNames: ToolNames
  /** What was taken otherwise than the request has it. */
  notes: readonly RequestNote[]
}

/** `readChat`, where only the chat is needed. */
export function parseChat(...given: Parameters<typeof readChat>): TemplateChat {
  return readChat(...given).chat
}

/**
 * @param callFormat how the template writes calls, where the reply's are to be kept to their schema
 * @throws InvalidOptionError, with the path of what is wrong, for example `messages[0].role`, and
 * InvalidSchemaError
 */
export function readChat(
  messages: unknown,
  options: TemplateOptions,
  support = noReasoning,
  callFormat?: CallFormat,
  limits?: ToolLimits,
): ReadChat {
  const ofMessages: RequestNote[] = []
  const parsed = parseMessages(messages, ofMessages)
  if (callFormat === 'none') refuseCalls(parsed)
  const choice = (options.toolChoice ?? 'auto') as ToolChoice // in our words, once it is read
  const format = choice === 'none' ? undefined : callFormat
  const { tools, names, notes: ofTools } = parseTools(options.tools ?? [], format, limits)
  const reasoning = parseFields<ReasoningOptions>(
    options.reasoning ?? {},
    reasoningChecks,
    'reasoning',
  )
  const chat = {
    messages: parsed.map((message) => withShownNames(message, names)),
    ...chosen(choice, tools, names),
    parallelToolCalls: options.parallelToolCalls ?? true,
    wantsReasoning: reasoning.enabled ?? support.defaults.enabled ?? true,
    reasoningEffort: reasoning.effort ?? '',
    arguments: parseTemplateArguments(options.templateArguments ?? {}),
    ...budgetOf(reasoning, support),
    continues: continues(parsed, options.continueFinal),
  }
  return { chat, toolNames: names, notes: [...ofMessages, ...ofTools] }
}

/** Earlier calls get the names that the model is shown. */
function withShownNames(message: TemplateMessage, names: ToolNames): TemplateMessage {
  if (names.areSame) return message
  const toolCalls = message.toolCalls.map((call) => ({ ...call, name: names.shown(call.name) }))
  return { ...message, name: names.shown(message.name), toolCalls }
}

/** Calls would be left out of the prompt, and the tools' answers would answer nothing. */
function refuseCalls(messages: readonly TemplateMessage[]): void {
  for (const [i, { toolCalls }] of messages.entries()) {
    if (toolCalls.length > 0)
      throw wrong(`messages[${i}].toolCalls`, `none: ${noTools()}`, toolCalls)
  }
}

/** Where reasoning cannot be limited, a default has no effect, a request's budget is refused. */
function budgetOf(
  { budget, budgetMessage }: ReasoningOptions,
  { ends, defaults }: ReasoningSupport,
): Pick<TemplateChat, 'reasoningBudget' | 'reasoningBudgetMessage'> {
  if (ends.length === 0) {
    if (budget === undefined || budget === -1) {
      return { reasoningBudget: -1, reasoningBudgetMessage: '' }
    }
    const expected = 'nothing: the chat template has no marks of reasoning that are known'
    throw wrong('reasoning.budget', expected, budget)
  }
  if (budgetMessage !== undefined) checkBudgetMessage(budgetMessage, ends)
  return {
    reasoningBudget: budget ?? defaults.budget ?? -1,
    reasoningBudgetMessage: budgetMessage ?? defaults.budgetMessage ?? '',
  }
}

/** @throws InvalidOptionError for a message that has the mark in it */
export function checkBudgetMessage(message: string, ends: readonly string[]): void {
  const end = ends.find((one) => message.includes(one))
  if (end === undefined) return
  const expected = `a message without ${JSON.stringify(end)}, which ends the reasoning`
  throw wrong('reasoning.budgetMessage', expected, message)
}

/** The tools that the model is shown, and whether and which it may call. */
function chosen(
  choice: ToolChoice,
  tools: readonly TemplateTool[],
  names: ToolNames,
): Pick<TemplateChat, 'tools' | 'toolChoice'> {
  if (typeof choice === 'string') return { tools, toolChoice: usable(choice, tools) }
  const byName = new Map(tools.map((tool) => [tool.name, tool]))
  const named = (name: string) => {
    const tool = byName.get(names.shown(name))
    if (tool === undefined) throw wrong('toolChoice', 'the name of one of the tools', name)
    return tool
  }
  if ('name' in choice) return { tools: [named(choice.name)], toolChoice: 'required' }
  const callable = new Set(choice.names.map(named))
  const toolChoice = choice.mode ?? 'auto'
  if (callable.size === 0 && toolChoice === 'required') {
    throw wrong('toolChoice', 'the name of at least one tool', choice.names)
  }
  return {
    tools: tools.map((tool) => ({ ...tool, isCallable: callable.has(tool) })),
    toolChoice: callable.size === 0 ? 'none' : toolChoice,
  }
}

function usable(choice: Exclude<ToolChoice, object>, tools: readonly TemplateTool[]) {
  if (choice === 'required' && tools.length === 0) {
    throw wrong('toolChoice', '"auto" or "none" where there are no tools', choice)
  }
  return choice
}

/**
 * As in llama-server, a last message of an assistant is the beginning of the reply, unless it has
 * tool calls: then the reply is a new message, after the tools' answers if there are any.
 */
function continues(messages: TemplateMessage[], asked: boolean | undefined): boolean {
  const last = messages[messages.length - 1]
  const at = `messages[${messages.length - 1}]`
  const isAssistant = last?.role === 'assistant'
  const hasCalls = (last?.toolCalls.length ?? 0) > 0
  if (asked !== true) return asked ?? (isAssistant && !hasCalls)
  if (!isAssistant) {
    throw wrong(`${at}.role`, '"assistant", as the reply shall go on with it', last?.role)
  }
  if (hasCalls) {
    const expected = 'no tool calls in the last message, as the reply shall go on with it'
    throw wrong(`${at}.toolCalls`, expected, last?.toolCalls)
  }
  return true
}
