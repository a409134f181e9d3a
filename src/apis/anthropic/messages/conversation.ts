import type { ChatMessage, PastToolCall, RequestNote } from '../../../api/types.js'
import { failedAnswer } from '../../../options/other-words/failed-answer.js'
import { isRecord } from '../../../options/other-words/tool-choice.js'
import { fieldError } from '../../request.js'
import { sealedText } from '../../sealed-text.js'
import { blocksOf, textOf } from './blocks.js'

/** A request's conversation as the engine takes it. */
interface Conversation {
  readonly messages: readonly ChatMessage[]
  /** Where the request has each of them: `system`, or `messages[2]`. */
  readonly places: readonly string[]
  readonly notes: readonly RequestNote[]
}

const messageError = 'an object such as {"role": "user", "content": "..."}'
const roleError = '"user", "assistant" or "system"'

/** @throws HttpError, a 400 that names the field */
export function readConversation(system: unknown, given: readonly unknown[]): Conversation {
  const messages: ChatMessage[] = []
  const places: string[] = []
  const { text, notes } = readSystem(system)
  if (text !== '') {
    messages.push({ role: 'system', content: text })
    places.push('system')
  }
  for (const [i, one] of given.entries()) {
    const place = `messages[${i}]`
    for (const message of readMessage(one, place)) {
      messages.push(message)
      places.push(place)
    }
  }
  return { messages, places, notes }
}

/**
 * The line that Claude Code puts in front of its system prompt for its provider's books. It is not
 * meant for the model, and what it counts changes: with it no two prompts would begin alike.
 */
const billingHeader = /^x-anthropic-billing-header:[^\n]*(?:\n+|$)/

function readSystem(given: unknown): { text: string; notes: RequestNote[] } {
  if (given === undefined) return { text: '', notes: [] }
  const texts = textsOf(given, 'system', ['text'])
  const first = texts[0] ?? ''
  const rest = first.replace(billingHeader, '')
  if (rest === first) return { text: texts.join('\n'), notes: [] }
  const left = rest === '' ? texts.slice(1) : [rest, ...texts.slice(1)]
  const message = 'a header for billing, which is not for the model; taken as: left out'
  return { text: left.join('\n'), notes: [{ path: 'system', message }] }
}

function readMessage(given: unknown, at: string): ChatMessage[] {
  if (!isRecord(given)) throw fieldError(at, messageError, given)
  const { role, content } = given
  switch (role) {
    case 'user':
      return readUser(content, `${at}.content`)
    case 'assistant':
      return [readAssistant(content, `${at}.content`)]
    case 'system':
      return [{ role, content: textsOf(content, `${at}.content`, ['text']).join('\n') }]
    default:
      throw fieldError(`${at}.role`, roleError, role)
  }
}

/** What tools answered comes first, as their calls were the last that the model said. */
function readUser(content: unknown, at: string): ChatMessage[] {
  const results: ChatMessage[] = []
  const texts: string[] = []
  const types = ['text', 'search_result', 'tool_result']
  for (const { block, place, type } of blocksOf(content, at, types)) {
    if (type === 'tool_result') results.push(readResult(block, place))
    else texts.push(textOf(block, place))
  }
  if (texts.length === 0 && results.length > 0) return results
  return [...results, { role: 'user', content: texts.join('\n') }]
}

function readResult(block: Record<string, unknown>, at: string): ChatMessage {
  const { tool_use_id: toolCallId, content, is_error: isError } = block
  if (typeof toolCallId !== 'string') {
    throw fieldError(`${at}.tool_use_id`, 'the id of a tool_use block', toolCallId)
  }
  const types = ['text', 'search_result', 'tool_reference']
  const text = textsOf(content ?? '', `${at}.content`, types).join('\n')
  return { role: 'tool', toolCallId, content: isError === true ? failedAnswer(text) : text }
}

function readAssistant(content: unknown, at: string): ChatMessage {
  const texts: string[] = []
  const thoughts: string[] = []
  const toolCalls: PastToolCall[] = []
  const types = ['text', 'thinking', 'redacted_thinking', 'tool_use']
  for (const { block, place, type } of blocksOf(content, at, types)) {
    if (type === 'text') texts.push(textOf(block, place))
    if (type === 'thinking') thoughts.push(thinkingOf(block, place))
    if (type === 'tool_use') toolCalls.push(readCall(block, place))
  }
  const reasoning = thoughts.filter((thought) => thought !== '').join('\n')
  return {
    role: 'assistant',
    content: texts.join('\n'),
    ...(reasoning === '' ? {} : { reasoning }),
    ...(toolCalls.length === 0 ? {} : { toolCalls }),
  }
}

function thinkingOf({ thinking, signature }: Record<string, unknown>, at: string): string {
  if (typeof thinking !== 'string') throw fieldError(`${at}.thinking`, 'a string', thinking)
  return thinking === '' ? (sealedText(signature) ?? '') : thinking
}

function readCall({ id, name, input }: Record<string, unknown>, at: string): PastToolCall {
  if (typeof id !== 'string') throw fieldError(`${at}.id`, 'a string', id)
  if (typeof name !== 'string') throw fieldError(`${at}.name`, 'the name of a tool', name)
  if (!isRecord(input)) throw fieldError(`${at}.input`, 'an object', input)
  return { id, name, arguments: JSON.stringify(input) }
}

function textsOf(content: unknown, at: string, types: readonly string[]): string[] {
  return blocksOf(content, at, types).map(({ block, place }) => textOf(block, place))
}
