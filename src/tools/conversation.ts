import type { OpenAiMessage } from '../api/openai-types.js'
import type { ToolResult } from '../api/tool-types.js'
import type { ChatMessage, ReplyResult } from '../api/types.js'
import { parseMessages } from '../options/chat-messages.js'

/** The messages of a run: what was given, in our words, and what comes to it. Owned by ToolRun. */
export class Conversation {
  readonly #messages: ChatMessage[]

  /** @param given what `chat` has taken */
  constructor(given: readonly (ChatMessage | OpenAiMessage)[]) {
    this.#messages = given.map((message) => (isOurs(message) ? message : inOurWords(message)))
  }

  /** As they are now. */
  get messages(): readonly ChatMessage[] {
    return [...this.#messages]
  }

  /** The message that the next reply goes on with, unless it shall not. */
  get begun(): ChatMessage | undefined {
    const last = this.#messages.at(-1)
    const isBegun = last?.role === 'assistant' && (last.toolCalls ?? []).length === 0
    return isBegun ? last : undefined
  }

  /** @param begun what the reply went on with, whose place it takes */
  addReply({ text, reasoning, toolCalls }: ReplyResult, begun: ChatMessage | undefined): void {
    if (begun !== undefined) this.#messages.pop()
    const isEmpty = text === '' && reasoning === undefined && toolCalls === undefined
    if (isEmpty && begun === undefined) return // it was cancelled before its first token
    this.#messages.push({
      role: 'assistant',
      ...begun,
      content: `${begun?.content ?? ''}${text}`,
      ...(reasoning === undefined ? {} : { reasoning }),
      ...(toolCalls === undefined ? {} : { toolCalls }),
    })
  }

  addResult({ toolCallId, name, content }: ToolResult): void {
    this.#messages.push({ role: 'tool', toolCallId, name, content })
  }
}

const fields = new Set(['role', 'content', 'reasoning', 'toolCalls', 'toolCallId', 'name'])

function isOurs(message: ChatMessage | OpenAiMessage): message is ChatMessage {
  const { role, content = '' } = message
  return (
    role !== 'function' &&
    typeof content === 'string' &&
    (role === 'tool' || message.name === undefined) &&
    Object.keys(message).every((key) => fields.has(key))
  )
}

function inOurWords(message: OpenAiMessage | ChatMessage): ChatMessage {
  const [one] = parseMessages([message])
  const { role, content, reasoning, name, toolCallId, toolCalls } = one as NonNullable<typeof one>
  return {
    role: role as ChatMessage['role'],
    content,
    ...(reasoning === '' ? {} : { reasoning }),
    ...(name === '' ? {} : { name }),
    ...(toolCallId === '' ? {} : { toolCallId }),
    ...(toolCalls.length === 0 ? {} : { toolCalls }),
  }
}
