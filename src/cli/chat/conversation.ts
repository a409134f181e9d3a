import type { OpenAiMessage } from '../../api/openai-types.js'
import type { ChatMessage } from '../../api/types.js'
import { parseMessages } from '../../options/chat-messages.js'

export type Message = ChatMessage | OpenAiMessage

/** What was said, and the system prompt before it. Knows no engine and no terminal. */
export class Conversation {
  system: string | undefined
  #said: Message[] = []

  constructor(system?: string) {
    this.system = system
  }

  /** Without the system prompt. */
  get length(): number {
    return this.#said.length
  }

  /** As the engine takes them. */
  get messages(): Message[] {
    const before: Message[] =
      this.system === undefined ? [] : [{ role: 'system', content: this.system }]
    return [...before, ...this.#said]
  }

  add(message: ChatMessage): void {
    this.#said.push(message)
  }

  clear(): void {
    this.#said = []
  }

  /**
   * Takes the last message of the user back, and all that came after it.
   * @returns its text; undefined where there is none
   */
  undo(): string | undefined {
    const at = this.#said.findLastIndex(({ role }) => role === 'user')
    const message = this.#said[at]
    if (message === undefined) return undefined
    this.#said.length = at
    return parseMessages([message])[0]?.content
  }

  /**
   * Another conversation in the place of this one.
   * @param given what JSON says: messages, of which the first may be the system prompt
   * @throws InvalidOptionError for what is no list of messages
   */
  replace(given: unknown): void {
    const [first] = parseMessages(given)
    const messages = given as Message[]
    const hasSystem = first?.role === 'system'
    this.system = hasSystem ? first.content : undefined
    this.#said = messages.slice(hasSystem ? 1 : 0)
  }
}
