import type { ChatMessage, PastToolCall, ToolCall } from '../api/types.js'
import { jsonTextOf, NotJsonError } from '../schema/json-of.js'
import {
  type Check,
  type Checks,
  check,
  demand,
  isObject,
  oneOf,
  parseFields,
  readItems,
  refused,
  aString as text,
  wrong,
} from './checks.js'
import { type NameBudget, nameSquaresMax, nameSquaresOf, takeNames } from './object-names.js'

/** A message as the engine takes it: complete, wherever it stands. */
export interface TemplateMessage {
  role: string
  content: string
  reasoning: string
  name: string
  toolCallId: string
  toolCalls: ToolCall[]
}

/** Of arguments that are given as an object, once they are text. */
const argumentsMax = 16 * 2 ** 20

const list: Check<[]> = check('an array', Array.isArray)
const role: Check<ChatMessage['role']> = oneOf('system', 'developer', 'user', 'assistant', 'tool')
const callArguments: Check<string | object> = check('JSON text or an object', (value) => {
  return typeof value === 'string' || isObject(value)
})

const messageChecks: Checks<ChatMessage> = {
  role,
  content: text,
  reasoning: text,
  toolCalls: list as Check<NonNullable<ChatMessage['toolCalls']>>,
  toolCallId: text,
  name: text,
}
const callChecks: Checks<PastToolCall> = {
  id: text,
  name: text,
  arguments: callArguments as Check<NonNullable<PastToolCall['arguments']>>,
}

const conversation: Check<readonly unknown[]> = check(
  'an array of at least one message',
  (value) => Array.isArray(value) && value.length > 0,
)

/** @throws InvalidOptionError, with the path of what is wrong, for example `messages[0].role` */
export function parseMessages(input: unknown): TemplateMessage[] {
  const names = { left: nameSquaresMax }
  const given = demand('messages', input, conversation)
  return readItems('messages', given, (one, at) => parseMessage(one, at, names))
}

/** As templates know them: `developer` becomes `system`. */
function parseMessage(message: unknown, at: string, names: NameBudget): TemplateMessage {
  const given = parseFields<Partial<ChatMessage>>(message, messageChecks, at)
  const name = demand(`${at}.role`, given.role, role)
  const toolCalls = readItems(`${at}.toolCalls`, given.toolCalls ?? [], (one, path) => {
    return parseCall(one, path, names)
  })
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
  const mayBeSilent = name === 'assistant' || name === 'tool'
  const content = mayBeSilent ? (given.content ?? '') : given.content
  return {
    role: name === 'developer' ? 'system' : name,
    content: demand(`${at}.content`, content, text),
    reasoning: given.reasoning ?? '',
    name: given.name ?? '',
    toolCallId: given.toolCallId ?? '',
    toolCalls,
  }
}

function parseCall(input: unknown, at: string, names: NameBudget): ToolCall {
  const given = parseFields<Partial<PastToolCall>>(input, callChecks, at)
  return {
    id: given.id ?? '',
    name: demand(`${at}.name`, given.name, text),
    arguments: argumentsText(given.arguments ?? '', `${at}.arguments`, names),
  }
}

function argumentsText(given: string | object, at: string, names: NameBudget): string {
  if (typeof given === 'string') {
    takeNames(names, nameSquaresOf(given), at)
    return given
  }
  try {
    const { text, nameSquares } = jsonTextOf(given, argumentsMax)
    takeNames(names, nameSquares, at)
    return text
  } catch (cause) {
    if (!(cause instanceof NotJsonError)) throw cause
    throw refused(`${at}${cause.path}`, cause.expected, cause.came, { cause })
  }
}
