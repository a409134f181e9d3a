import type { FoundItems, KeptInput, KeptResponse, MadeResponse, ResponseStore } from '../../api.js'

interface Limits {
  readonly responsesMax: number
  readonly bytesMax: number
}

/** What a response takes beside its JSON, in bytes; an estimate. */
const overheadBytes = 256
/** The same of an item's id, beside its characters, with the set of turns that have the item. */
const idBytes = 320

/**
 * Responses in memory, each with the input that it was asked with. One that follows another shares
 * what that had, so that a long conversation is there once. Where there are too many, or too many
 * bytes, the one that was not used for the longest goes. Owned by the server's App.
 */
export class MemoryResponseStore implements ResponseStore {
  readonly #limits: Limits
  /** By owner and id, the one used last at the end. */
  readonly #kept = new Map<string, StoredResponse>()
  /** Which turns have an item, by owner and id, the newest at the end. */
  readonly #turnsOfItem = new Map<string, Set<StoredResponse>>()
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

  /** One that is too large with all that it follows is not kept: others would go for nothing. */
  put(owner: string, response: MadeResponse, input: KeptInput, previous?: KeptResponse): void {
    const { responsesMax, bytesMax } = this.#limits
    const turn = new StoredResponse(owner, response, input, previous as StoredResponse | undefined)
    if (turn.chainBytes > bytesMax) return
    this.#kept.set(keyOf(owner, response.id), turn)
    this.#retain(turn)
    for (const [key, oldest] of this.#kept) {
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

  /** Its items are gone at once. In the conversations of those that followed it they stay. */
  delete(owner: string, id: string): boolean {
    const key = keyOf(owner, id)
    const turn = this.#kept.get(key)
    if (turn === undefined) return false
    this.#kept.delete(key)
    turn.isDeleted = true
    this.#forgetItems(turn)
    this.#release(turn)
    return true
  }

  /** Each turn is read once, however many of its items are asked for. */
  items(owner: string, ids: ReadonlySet<string>, bytesMax: number): FoundItems | undefined {
    const turns = new Map<StoredResponse, Set<string>>()
    let bytes = 0
    for (const id of ids) {
      const turn = this.#newestWith(keyOf(owner, id))
      if (turn === undefined) continue
      const wanted = turns.get(turn)
      wanted?.add(id)
      if (wanted !== undefined) continue
      turns.set(turn, new Set([id]))
      bytes += turn.ownBytes
      if (bytes > bytesMax) return undefined
    }
    const items = new Map<string, unknown>()
    for (const [turn, wanted] of turns) {
      for (const item of turn.own()) {
        const { id } = item as { id: string }
        if (wanted.has(id) && !items.has(id)) items.set(id, item)
      }
    }
    return { items, bytes }
  }

  #newestWith(key: string): StoredResponse | undefined {
    let newest: StoredResponse | undefined
    for (const turn of this.#turnsOfItem.get(key) ?? []) newest = turn
    return newest
  }

  /** Not by recursion: a conversation may have very many turns. */
  #retain(last: StoredResponse): void {
    const added: StoredResponse[] = []
    let turn: StoredResponse | undefined = last
    while (turn !== undefined && turn.users++ === 0) {
      added.push(turn)
      turn = turn.previous
    }
    for (const one of added.reverse()) this.#add(one)
  }

  #add(turn: StoredResponse): void {
    this.#bytes += turn.bytes
    if (turn.isDeleted) return // while a response that follows it was made
    for (const id of turn.ids) {
      const key = keyOf(turn.owner, id)
      const turns = this.#turnsOfItem.get(key)
      if (turns === undefined) this.#turnsOfItem.set(key, new Set([turn]))
      else turns.add(turn)
    }
  }

  #release(last: StoredResponse): void {
    let turn: StoredResponse | undefined = last
    while (turn !== undefined && --turn.users === 0) {
      this.#remove(turn)
      turn = turn.previous
    }
  }

  #remove(turn: StoredResponse): void {
    this.#bytes -= turn.bytes
    this.#forgetItems(turn)
  }

  #forgetItems(turn: StoredResponse): void {
    for (const id of turn.ids) {
      const key = keyOf(turn.owner, id)
      const turns = this.#turnsOfItem.get(key)
      turns?.delete(turn)
      if (turns?.size === 0) this.#turnsOfItem.delete(key)
    }
  }
}

/** A digest has no line break, whatever an id says. */
function keyOf(owner: string, id: string): string {
  return `${owner}\n${id}`
}

/** A response with its own part of the input. As bytes: objects take several times as much. */
class StoredResponse implements KeptResponse {
  readonly owner: string
  readonly previous: StoredResponse | undefined
  readonly body: Buffer
  readonly ids: readonly string[]
  /** Of its part of the conversation, as JSON. What else a body repeats is no part of it. */
  readonly ownBytes: number
  readonly conversationBytes: number
  /** All that it takes. */
  readonly bytes: number
  /** The same with the turns that it follows. */
  readonly chainBytes: number
  /** Itself, while it is kept, and those that follow it. */
  users = 0
  /** By its owner, so that its items are no longer there to refer to. */
  isDeleted = false
  readonly #input: Buffer
  /** The end of the body. */
  readonly #output: Buffer

  constructor(
    owner: string,
    { output, ...head }: MadeResponse,
    input: KeptInput,
    previous: StoredResponse | undefined,
  ) {
    this.owner = owner
    this.previous = previous
    const opening = `${JSON.stringify(head).slice(0, -1)},"output":`
    const body = `${opening}${JSON.stringify(output)}}`
    const kept = unshared(body + input.json)
    this.body = kept.subarray(0, Buffer.byteLength(body))
    this.#output = this.body.subarray(Buffer.byteLength(opening), -1)
    this.#input = kept.subarray(this.body.length)
    this.ids = [...input.ids, ...output.map(({ id }) => id)]
    this.ownBytes = this.#input.length + this.#output.length
    this.conversationBytes = this.ownBytes + (previous?.conversationBytes ?? 0)
    const named = this.ids.reduce((sum, id) => sum + 2 * id.length + idBytes, 0)
    this.bytes = this.body.length + this.#input.length + named + overheadBytes
    this.chainBytes = this.bytes + (previous?.chainBytes ?? 0)
  }

  /** Its part of the input, and its output. */
  own(): unknown[] {
    return [...itemsOf(this.#input), ...itemsOf(this.#output)]
  }

  input(): unknown[] {
    return [...(this.previous?.conversation() ?? []), ...itemsOf(this.#input)]
  }

  conversation(): unknown[] {
    const turns: StoredResponse[] = []
    for (let turn: StoredResponse | undefined = this; turn !== undefined; turn = turn.previous) {
      turns.push(turn)
    }
    return turns.reverse().flatMap((turn) => turn.own())
  }
}

/** Buffer.from() takes small ones from 8 KiB of Node's, which would stay as long as any of them. */
function unshared(text: string): Buffer {
  const bytes = Buffer.allocUnsafeSlow(Buffer.byteLength(text))
  bytes.write(text)
  return bytes
}

function itemsOf(json: Buffer): unknown[] {
  return JSON.parse(json.toString()) as unknown[]
}
