import type { KeptResponse, ResponseStore } from '../../api.js'

interface Limits {
  readonly responsesMax: number
  readonly bytesMax: number
}

/** What a response takes beside its JSON, in bytes; an estimate. */
const overheadBytes = 256
/** The same of an item's id, beside its characters. */
const idBytes = 128

/**
 * Responses in memory, each with the input that it was asked with. One that follows another shares
 * what that had, so that a long conversation is there once. Where there are too many, or too many
 * bytes, the one that was not used for the longest goes. Owned by the server's App.
 */
export class MemoryResponseStore implements ResponseStore {
  readonly #limits: Limits
  /** By owner and id, the one used last at the end. */
  readonly #kept = new Map<string, Turn>()
  /** Which turn has an item, by owner and id. */
  readonly #turnOfItem = new Map<string, Turn>()
  #bytes = 0

  constructor(limits: Limits) {
    this.#limits = limits
  }

  get count(): number {
    return this.#kept.size
  }

  /** Of all that is kept, what responses that are gone left for those that followed included. */
  get bytes(): number {
    return this.#bytes
  }

  put(owner: string, id: string, response: object, input: string, previous?: KeptResponse): void {
    const turn = new Turn(owner, response, input, previous as Turn | undefined)
    this.#kept.set(keyOf(owner, id), turn)
    this.#retain(turn)
    for (const [key, oldest] of this.#kept) {
      const { responsesMax, bytesMax } = this.#limits
      if (this.#kept.size <= responsesMax && this.#bytes <= bytesMax) return
      this.#kept.delete(key)
      this.#release(oldest)
    }
  }

  get(owner: string, id: string): KeptResponse | undefined {
    const key = keyOf(owner, id)
    const turn = this.#kept.get(key)
    if (turn === undefined) return undefined
    this.#kept.delete(key)
    this.#kept.set(key, turn)
    return turn
  }

  delete(owner: string, id: string): boolean {
    const key = keyOf(owner, id)
    const turn = this.#kept.get(key)
    if (turn === undefined) return false
    this.#kept.delete(key)
    this.#release(turn)
    return true
  }

  item(owner: string, id: string): unknown {
    const turn = this.#turnOfItem.get(keyOf(owner, id))
    return turn?.own().find((item) => idOf(item) === id)
  }

  /** Not by recursion: a conversation may have very many turns. */
  #retain(last: Turn): void {
    let turn: Turn | undefined = last
    while (turn !== undefined && turn.users++ === 0) {
      this.#bytes += turn.bytes
      for (const id of turn.ids) this.#turnOfItem.set(keyOf(turn.owner, id), turn)
      turn = turn.previous
    }
  }

  #release(last: Turn): void {
    let turn: Turn | undefined = last
    while (turn !== undefined && --turn.users === 0) {
      this.#bytes -= turn.bytes
      for (const id of turn.ids) {
        const key = keyOf(turn.owner, id)
        if (this.#turnOfItem.get(key) === turn) this.#turnOfItem.delete(key)
      }
      turn = turn.previous
    }
  }
}

/** A digest has no line break, whatever an id says. */
function keyOf(owner: string, id: string): string {
  return `${owner}\n${id}`
}

function idOf(item: unknown): string | undefined {
  const { id } = item as { id?: unknown }
  return typeof id === 'string' ? id : undefined
}

/** A response with its own part of the input. As bytes: objects take several times as much. */
class Turn implements KeptResponse {
  readonly owner: string
  readonly previous: Turn | undefined
  readonly body: Buffer
  readonly ids: readonly string[]
  readonly bytes: number
  readonly conversationBytes: number
  /** Itself, while it is kept, and those that follow it. */
  users = 0
  readonly #input: Buffer

  constructor(owner: string, response: object, input: string, previous: Turn | undefined) {
    this.owner = owner
    this.previous = previous
    this.body = Buffer.from(JSON.stringify(response))
    this.#input = Buffer.from(input)
    this.ids = this.own().flatMap((item) => idOf(item) ?? [])
    const own = this.body.length + this.#input.length
    this.conversationBytes = own + (previous?.conversationBytes ?? 0)
    const named = this.ids.reduce((sum, id) => sum + 2 * id.length + idBytes, 0)
    this.bytes = own + named + overheadBytes
  }

  /** Its part of the input, and its output. */
  own(): unknown[] {
    const { output } = JSON.parse(this.body.toString()) as { output: unknown[] }
    return [...this.#ownInput(), ...output]
  }

  input(): unknown[] {
    return [...(this.previous?.conversation() ?? []), ...this.#ownInput()]
  }

  conversation(): unknown[] {
    const turns: Turn[] = []
    for (let turn: Turn | undefined = this; turn !== undefined; turn = turn.previous) {
      turns.push(turn)
    }
    return turns.reverse().flatMap((turn) => turn.own())
  }

  #ownInput(): unknown[] {
    return JSON.parse(this.#input.toString()) as unknown[]
  }
}
