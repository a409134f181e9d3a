import type { ToolCall } from '../../api/types.js'
import { canonicalJson } from '../../schema/reading/canonical-json.js'

const callsMax = 4096
/** Characters of all arguments together, and of those of one call. */
const charactersMax = 4 * 2 ** 20
const callCharactersMax = 64 * 1024
/** Characters that are compared for one conversation: reading them takes the caller's thread. */
const comparedMax = 2 * 2 ** 20

interface Written {
  /** As the model wrote them. */
  readonly text: string
  /** How a client sent the same value last. */
  sent: string
}

/**
 * How models wrote the arguments of their calls. Clients that parse arguments send them back in a
 * form of their own: other blanks, other escapes. Where a template puts them into the prompt as
 * they come, the prompt would differ from what was computed, and all behind the call be computed
 * again. So a call that comes back by its id, with the same value, gets the text of the model. Of
 * calls that are not remembered nothing changes. Owned by Engine.
 */
export class WrittenCalls {
  /** By the call's id, the one used last at the end. */
  readonly #written = new Map<string, Written>()
  #characters = 0

  /** Of a reply that has ended. */
  add({ id, arguments: given }: ToolCall): void {
    if (given.length > callCharactersMax) return
    const text = inOnePiece(given)
    this.#keep(id, { text, sent: text })
  }

  /** Calls of a conversation that are remembered have the model's text from then on. */
  restore(messages: readonly { toolCalls: ToolCall[] }[]): void {
    const budget = { left: comparedMax }
    for (const message of messages) {
      message.toolCalls = message.toolCalls.map((call) => this.#restored(call, budget))
    }
  }

  #restored(call: ToolCall, budget: { left: number }): ToolCall {
    const { id, arguments: sent } = call
    const written = this.#written.get(id)
    if (written === undefined) return call
    if (written.sent !== sent && written.text !== sent) {
      budget.left -= sent.length + written.text.length
      if (budget.left < 0 || !isSameJson(written.text, sent)) return call
    }
    this.#keep(id, sent.length > callCharactersMax ? written : { text: written.text, sent })
    return { ...call, arguments: written.text }
  }

  #keep(id: string, written: Written): void {
    this.#drop(id)
    this.#written.set(id, written)
    this.#characters += charactersOf(written)
    for (const oldest of this.#written.keys()) {
      if (this.#written.size <= callsMax && this.#characters <= charactersMax) return
      this.#drop(oldest)
    }
  }

  #drop(id: string): void {
    const written = this.#written.get(id)
    if (written === undefined) return
    this.#written.delete(id)
    this.#characters -= charactersOf(written)
  }
}

/** V8 keeps a text that was put together token by token as its parts: 13 times the memory. */
function inOnePiece(text: string): string {
  return JSON.parse(JSON.stringify(text)) as string
}

function charactersOf({ text, sent }: Written): number {
  return text === sent ? text.length : text.length + sent.length
}

function isSameJson(one: string, other: string): boolean {
  const value = canonical(one)
  return value !== undefined && value === canonical(other)
}

/** Undefined for what was cut, and for what is nested too deep to be compared. */
function canonical(json: string): string | undefined {
  try {
    return canonicalJson(JSON.parse(json))
  } catch {
    return undefined
  }
}
