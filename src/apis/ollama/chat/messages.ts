import type { ChatMessage, PastToolCall } from '../../../api/types.js'
import { readContent } from '../../../options/other-words/message-content.js'
import { isRecord } from '../../../options/other-words/tool-choice.js'
import { fieldError, isGiven } from '../../request.js'

const messageError = 'an object such as {"role": "user", "content": "..."}'
const callError = 'an object such as {"function": {"name": "get_weather", "arguments": {}}}'
const roles = ['system', 'developer', 'user', 'assistant', 'tool'] as const
type Role = (typeof roles)[number]
const roleError = roles.map((role) => `"${role}"`).join(', ')

/** Of one message. */
const callsMax = 1024

/**
 * A conversation in Ollama's words. Not by a schema of zod's: thousands of messages fit into a
 * body.
 * @throws HttpError, a 400 that names the field
 */
export function readMessages(given: readonly unknown[]): ChatMessage[] {
  return given.map((one, i) => readMessage(one, `messages[${i}]`))
}

function readMessage(given: unknown, at: string): ChatMessage {
  if (!isRecord(given)) throw fieldError(at, messageError, given)
  const role = roleOf(given.role, `${at}.role`)
  refuseImages(given.images, `${at}.images`)
  const said = readContent(given.content, role)
  if ('expected' in said) {
    const place = said.path.map((key) => (typeof key === 'number' ? `[${key}]` : `.${key}`))
    throw fieldError(`${at}.content${place.join('')}`, said.expected, given.content)
  }
  const { text: content } = said
  if (role === 'tool') return { role, content, ...toolNames(given, at) }
  const reasoning = (textOf(given.thinking, `${at}.thinking`) ?? '') || said.reasoning
  const toolCalls = readCalls(given.tool_calls, role, `${at}.tool_calls`)
  return {
    role,
    content,
    ...(reasoning === '' ? {} : { reasoning }),
    ...(toolCalls.length === 0 ? {} : { toolCalls }),
  }
}

/** Ollama reads it in capitals too. */
function roleOf(given: unknown, at: string): Role {
  const role = typeof given === 'string' ? given.toLowerCase() : given
  if (roles.includes(role as Role)) return role as Role
  throw fieldError(at, `one of ${roleError}`, given)
}

function refuseImages(given: unknown, at: string): void {
  if (!isGiven(given) || (Array.isArray(given) && given.length === 0)) return
  throw fieldError(at, 'no images (only text is supported)', given)
}

function toolNames({ tool_name, tool_call_id }: Record<string, unknown>, at: string) {
  const name = textOf(tool_name, `${at}.tool_name`)
  const toolCallId = textOf(tool_call_id, `${at}.tool_call_id`)
  return {
    ...(name ? { name } : {}),
    ...(toolCallId ? { toolCallId } : {}),
  }
}

function readCalls(given: unknown, role: Role, at: string): PastToolCall[] {
  if (!isGiven(given)) return []
  if (!Array.isArray(given) || given.length > callsMax) {
    throw fieldError(at, `an array of at most ${callsMax} tool calls`, given)
  }
  if (given.length > 0 && role !== 'assistant') {
    throw fieldError(at, 'no tool_calls (only an assistant calls tools)', given)
  }
  return given.map((one: unknown, i) => readCall(one, `${at}[${i}]`))
}

function readCall(given: unknown, at: string): PastToolCall {
  const called = isRecord(given) ? given.function : undefined
  if (!isRecord(given) || !isRecord(called)) throw fieldError(at, callError, given)
  const name = textOf(called.name, `${at}.function.name`)
  if (name === undefined) throw fieldError(`${at}.function.name`, 'a string', called.name)
  const { arguments: json = {} } = called
  if (typeof json !== 'string' && !isRecord(json)) {
    throw fieldError(`${at}.function.arguments`, 'an object', json)
  }
  const id = textOf(given.id, `${at}.id`)
  return { ...(id ? { id } : {}), name, arguments: json }
}

function textOf(given: unknown, at: string): string | undefined {
  if (!isGiven(given)) return undefined
  if (typeof given === 'string') return given
  throw fieldError(at, 'a string', given)
}
