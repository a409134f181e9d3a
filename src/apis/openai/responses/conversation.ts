import { show } from '../../../api/show.js'
import type { ChatMessage, PastToolCall, RequestNote } from '../../../api/types.js'
import type { InputItem } from './items.js'

/** A conversation for the engine, made of items. */
export interface Conversation {
  readonly messages: readonly ChatMessage[]
  /** Where the request has each message, or the first of its items. */
  readonly places: readonly string[]
  readonly notes: readonly RequestNote[]
}

/** An item with its place in the request. */
export interface PlacedItem extends InputItem {
  readonly place: string
}

/** What an assistant did between two others' turns, which is one message to the engine. */
interface AssistantTurn {
  readonly place: string
  /** Undefined until it said something. */
  content?: string
  reasoning: string
  readonly calls: PastToolCall[]
}

/**
 * Reasoning, text and calls that follow each other are one message, as templates have them. A text
 * after a text, or reasoning after a text, is the next one.
 */
export function conversationOf(
  instructions: string | undefined,
  items: readonly PlacedItem[],
): Conversation {
  const builder = new ConversationBuilder()
  if (instructions !== undefined && instructions !== '') {
    builder.add({ role: 'system', content: instructions }, 'instructions')
  }
  for (const item of items) builder.take(item)
  return builder.end()
}

class ConversationBuilder {
  readonly #messages: ChatMessage[] = []
  readonly #places: string[] = []
  readonly #notes: RequestNote[] = []
  #turn: AssistantTurn | undefined

  add(message: ChatMessage, place: string): void {
    this.#endTurn()
    this.#messages.push(message)
    this.#places.push(place)
  }

  take({ said, place }: PlacedItem): void {
    switch (said.kind) {
      case 'message':
        this.#message(said.message, place)
        break
      case 'reasoning':
        this.#reasoning(said.text, place)
        break
      case 'call':
        this.#open(place).calls.push({ id: said.id, name: said.name, arguments: said.json })
        break
      case 'answer':
        this.add({ role: 'tool', content: said.text, toolCallId: said.id }, place)
        break
      case 'unknown':
        this.#notes.push(leftOutItem(said.type, place))
        break
      case 'reference':
        throw new Error('a reference was not looked up')
    }
  }

  end(): Conversation {
    this.#endTurn()
    return { messages: this.#messages, places: this.#places, notes: this.#notes }
  }

  #message(message: ChatMessage, place: string): void {
    if (message.role !== 'assistant') {
      this.add(message, place)
      return
    }
    const { content = '', reasoning = '' } = message
    if (this.#turn?.content !== undefined) this.#endTurn()
    const turn = this.#open(place)
    turn.content = content
    turn.reasoning = joined(turn.reasoning, reasoning)
  }

  #reasoning(text: string, place: string): void {
    if (text === '') return // another server's, sealed
    if (this.#turn?.content !== undefined) this.#endTurn()
    const turn = this.#open(place)
    turn.reasoning = joined(turn.reasoning, text)
  }

  #open(place: string): AssistantTurn {
    this.#turn ??= { place, reasoning: '', calls: [] }
    return this.#turn
  }

  #endTurn(): void {
    if (this.#turn === undefined) return
    const { place, content = '', reasoning, calls } = this.#turn
    this.#turn = undefined
    this.#places.push(place)
    this.#messages.push({
      role: 'assistant',
      content,
      ...(reasoning === '' ? {} : { reasoning }),
      ...(calls.length === 0 ? {} : { toolCalls: calls }),
    })
  }
}

function joined(first: string, second: string): string {
  return first === '' || second === '' ? first + second : `${first}\n${second}`
}

function leftOutItem(type: string, place: string): RequestNote {
  const got = `but got ${show(type)}; taken as: left out`
  const message = `expected an item that a model can be told, ${got}`
  return { path: `${place}.type`, message }
}
