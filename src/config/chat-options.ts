import type {
  ChatMessage,
  ChatOptions,
  ReasoningDefaults,
  ReasoningOptions,
  TemplateOptions,
  ToolCall,
  ToolChoice,
} from '../engine/types.js'
import {
  type Check,
  type Checks,
  check,
  demand,
  fieldsOf,
  isObject,
  oneOf,
  parseFields,
  readItems,
  aString as text,
  trueOrFalse,
  wrong,
} from './checks.js'
import { budgetChecks } from './engine-options.js'
import { formOf, requestChecks } from './request-options.js'
import type { CallFormat } from './schema/tool-grammar.js'
import {
  parseTemplateArguments,
  type TemplateArgument,
  templateArguments,
} from './template-arguments.js'
import {
  depthOf,
  noTools,
  parseTools,
  schemaDepthMax,
  type TemplateTool,
  toolsMax,
} from './tools.js'

/** A conversation as the engine's template takes it: complete, with what it may be answered by. */
export interface TemplateChat {
  messages: TemplateMessage[]
  tools: TemplateTool[]
  toolChoice: 'auto' | 'none' | 'required'
  parallelToolCalls: boolean
  thinking: boolean
  /** '' leaves it to the template. */
  reasoningEffort: string
  arguments: TemplateArgument[]
  /** -1 is as many as it likes. */
  reasoningBudget: number
  reasoningBudgetMessage: string
  /** The reply goes on with the last message. */
  continues: boolean
}

interface TemplateMessage {
  role: string
  content: string
  reasoning: string
  name: string
  toolCallId: string
  toolCalls: ToolCall[]
}

const list: Check<[]> = check('an array', Array.isArray)
const role: Check<ChatMessage['role']> = oneOf('system', 'developer', 'user', 'assistant', 'tool')
const callArguments: Check<string> = check(
  `JSON text, at most ${schemaDepthMax} deep`,
  (value) => typeof value === 'string' && depthOf(value) <= schemaDepthMax,
)
const effort: Check<string> = check('1 to 32 letters', (value) => {
  return typeof value === 'string' && /^[a-z]{1,32}$/i.test(value)
})

const messageChecks: Checks<ChatMessage> = {
  role,
  content: text,
  reasoning: text,
  toolCalls: list as Check<NonNullable<ChatMessage['toolCalls']>>,
  toolCallId: text,
  name: text,
}
const callChecks: Checks<ToolCall> = { id: text, name: text, arguments: callArguments }
const reasoningChecks: Checks<ReasoningOptions> = {
  enabled: trueOrFalse,
  effort,
  ...budgetChecks,
}

const toolChoice: Check<ToolChoice> = {
  ...check<ToolChoice>(
    '"auto", "none", "required" or an object such as {"name": "get_weather"}',
    (value) => {
      if (['auto', 'none', 'required'].includes(value as string)) return true
      return isObject(value) && typeof (value as { name?: unknown }).name === 'string'
    },
  ),
  read: (value, path) => {
    return typeof value === 'string' ? value : parseFields(value, { name: text }, path)
  },
}

const templateChecks: Checks<TemplateOptions> = {
  tools: check(`an array of at most ${toolsMax} tools`, (value) => {
    return Array.isArray(value) && value.length <= toolsMax
  }),
  toolChoice,
  parallelToolCalls: trueOrFalse,
  reasoning: fieldsOf(reasoningChecks),
  templateArguments,
  continueFinal: trueOrFalse,
}
const chatChecks: Checks<ChatOptions> = { ...requestChecks, ...templateChecks }

/** @throws InvalidOptionError, with the option's name */
export function parseChatOptions(input: unknown): ChatOptions {
  return withForm(parseFields<ChatOptions>(input, chatChecks))
}

/** A form holds from the first token on: nothing is thought before it, and no tool is called. */
function withForm(options: ChatOptions): ChatOptions {
  const form = formOf(options)
  if (form === undefined) return options
  const { tools = [], toolChoice, reasoning = {} } = options
  if (tools.length > 0 && toolChoice !== 'none') {
    throw wrong('tools', `none beside ${form}, unless toolChoice is "none"`, tools)
  }
  if (reasoning.enabled === true) {
    throw wrong('reasoning.enabled', `false or nothing beside ${form}`, true)
  }
  return { ...options, reasoning: { ...reasoning, enabled: false } }
}

/** @throws InvalidOptionError, with the option's name */
export function parseTemplateOptions(input: unknown): TemplateOptions {
  return parseFields<TemplateOptions>(input, templateChecks)
}

/** What an engine knows of how its model thinks. */
export interface Thinking {
  /** What thoughts end with; empty where they cannot be made to end. */
  readonly ends: readonly string[]
  readonly defaults: ReasoningDefaults
}

const noThinking: Thinking = { ends: [], defaults: {} }

/**
 * @param callFormat how the template writes calls, where the reply's are to be kept to their schema
 * @throws InvalidOptionError, with the path of what is wrong, for example `messages[0].role`, and
 * InvalidSchemaError
 */
export function parseChat(
  messages: unknown,
  options: TemplateOptions,
  thinking = noThinking,
  callFormat?: CallFormat,
): TemplateChat {
  const parsed = parseMessages(messages)
  if (callFormat === 'none') refuseCalls(parsed)
  const choice = options.toolChoice ?? 'auto'
  const tools = parseTools(options.tools ?? [], choice === 'none' ? undefined : callFormat)
  const reasoning = parseFields<ReasoningOptions>(
    options.reasoning ?? {},
    reasoningChecks,
    'reasoning',
  )
  return {
    messages: parsed,
    tools: typeof choice === 'string' ? tools : [named(choice.name, tools)],
    toolChoice: typeof choice === 'string' ? usable(choice, tools) : 'required',
    parallelToolCalls: options.parallelToolCalls ?? true,
    thinking: reasoning.enabled ?? true,
    reasoningEffort: reasoning.effort ?? '',
    arguments: parseTemplateArguments(options.templateArguments ?? {}),
    ...budgetOf(reasoning, thinking),
    continues: continues(parsed, options.continueFinal),
  }
}

/** They would be left out of the prompt, and what the tools said answer nothing. */
function refuseCalls(messages: readonly TemplateMessage[]): void {
  for (const [i, { toolCalls }] of messages.entries()) {
    if (toolCalls.length > 0) throw wrong(`messages[${i}].toolCalls`, `none: ${noTools}`, toolCalls)
  }
}

/** A default has no effect where it cannot be kept to; what a request asks for is refused. */
function budgetOf(
  { budget, budgetMessage }: ReasoningOptions,
  { ends, defaults }: Thinking,
): Pick<TemplateChat, 'reasoningBudget' | 'reasoningBudgetMessage'> {
  if (ends.length === 0) {
    if (budget === undefined || budget === -1) {
      return { reasoningBudget: -1, reasoningBudgetMessage: '' }
    }
    const expected = 'nothing: the chat template does not say how this model thinks, if it does'
    throw wrong('reasoning.budget', expected, budget)
  }
  if (budgetMessage !== undefined) checkBudgetMessage(budgetMessage, ends)
  return {
    reasoningBudget: budget ?? defaults.budget ?? -1,
    reasoningBudgetMessage: budgetMessage ?? defaults.budgetMessage ?? '',
  }
}

/** @throws InvalidOptionError for one that would end the thoughts itself */
export function checkBudgetMessage(message: string, ends: readonly string[]): void {
  const end = ends.find((one) => message.includes(one))
  if (end === undefined) return
  const expected = `a message without ${JSON.stringify(end)}, which ends the thoughts`
  throw wrong('reasoning.budgetMessage', expected, message)
}

const conversation: Check<readonly unknown[]> = check(
  'an array of at least one message',
  (value) => Array.isArray(value) && value.length > 0,
)

function parseMessages(input: unknown): TemplateMessage[] {
  return readItems('messages', demand('messages', input, conversation), parseMessage)
}

/** As templates know them: `developer` becomes `system`. */
function parseMessage(message: unknown, at: string): TemplateMessage {
  const given = parseFields<Partial<ChatMessage>>(message, messageChecks, at)
  const name = demand(`${at}.role`, given.role, role)
  const toolCalls = readItems(`${at}.toolCalls`, given.toolCalls ?? [], parseCall)
  if (name !== 'assistant' && toolCalls.length > 0) {
    throw wrong(`${at}.toolCalls`, `none of a ${name}, as only an assistant calls tools`, toolCalls)
  }
  if (name !== 'tool' && given.name !== undefined) {
    throw wrong(
      `${at}.name`,
      `nothing in a message of ${name}, as only tools have names`,
      given.name,
    )
  }
  const content = toolCalls.length > 0 ? (given.content ?? '') : given.content
  return {
    role: name === 'developer' ? 'system' : name,
    content: demand(`${at}.content`, content, text),
    reasoning: given.reasoning ?? '',
    name: given.name ?? '',
    toolCallId: given.toolCallId ?? '',
    toolCalls,
  }
}

function parseCall(input: unknown, at: string): ToolCall {
  const given = parseFields<Partial<ToolCall>>(input, callChecks, at)
  return {
    id: demand(`${at}.id`, given.id, text),
    name: demand(`${at}.name`, given.name, text),
    arguments: demand(`${at}.arguments`, given.arguments, callArguments),
  }
}

function named(name: string, tools: readonly TemplateTool[]): TemplateTool {
  const tool = tools.find((one) => one.name === name)
  if (tool === undefined) throw wrong('toolChoice', 'the name of one of the tools', name)
  return tool
}

function usable(choice: Exclude<ToolChoice, object>, tools: readonly TemplateTool[]) {
  if (choice === 'required' && tools.length === 0) {
    throw wrong('toolChoice', '"auto" or "none" where there are no tools', choice)
  }
  return choice
}

/** As llama-server has it: a last message of an assistant is the beginning of the reply. */
function continues(messages: TemplateMessage[], asked: boolean | undefined): boolean {
  const last = messages.length - 1
  const at = `messages[${last}]`
  const isAssistant = (i: number) => messages[i]?.role === 'assistant'
  const goesOn = asked ?? isAssistant(last)
  if (!goesOn) return false
  if (!isAssistant(last)) {
    throw wrong(`${at}.role`, '"assistant", as the reply shall go on with it', messages[last]?.role)
  }
  if (isAssistant(last - 1)) {
    const expected = 'only one assistant message at the end, as the reply goes on with it'
    throw wrong(at, expected, messages[last])
  }
  if ((messages[last]?.toolCalls.length ?? 0) > 0) {
    const expected = 'no tool calls in the last message, or what the tools said after it'
    throw wrong(`${at}.toolCalls`, expected, messages[last]?.toolCalls)
  }
  return true
}
