import type { PromptTokenLogprobs, TokenLogprob, TokenLogprobs } from '../../api/types.js'
import type { NativeTokenLogprob, NativeTokenLogprobs } from '../../binding/engine-port.js'

/** What the engine tells of a token, as readers have it. */
export function tokenLogprobs(entry: NativeTokenLogprobs): TokenLogprobs {
  return { ...tokenLogprob(entry), top: entry.top.map(tokenLogprob) }
}

/** The same of a prompt's token: the first one has no logprob. */
export function promptTokenLogprobs(entry: NativeTokenLogprobs): PromptTokenLogprobs {
  const logprob = Number.isNaN(entry.logprob) ? null : entry.logprob
  return { ...tokenLogprobs(entry), logprob }
}

function tokenLogprob({ id, bytes, logprob, name }: NativeTokenLogprob): TokenLogprob {
  const buffer = Buffer.from(bytes, 'latin1')
  return { id, token: name ?? buffer.toString('utf8'), bytes: buffer, logprob }
}

/** Back to how the engine told it. */
export function nativeLogprobs(entry: TokenLogprobs): NativeTokenLogprobs {
  return { ...nativeLogprob(entry), top: entry.top.map(nativeLogprob) }
}

function nativeLogprob({ id, token, bytes, logprob }: TokenLogprob): NativeTokenLogprob {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
  const native = { id, bytes: buffer.toString('latin1'), logprob }
  return token === buffer.toString('utf8') ? native : { ...native, name: token }
}

/** What an entry has in front of its bytes: their number, the token's id and its logprob. */
const headBytes = 2 + 4 + 4
/** In the place of the number of bytes: the entry is among the others. */
const other = 0xffff

/**
 * What is told of tokens, for as long as nobody reads it: some 13 bytes an entry, of which objects
 * take a hundred and JSON as many.
 */
export class PackedLogprobs {
  #bytes = Buffer.alloc(0)
  #end = 0
  /** Entries that do not fit that form, in their order: mostly those of control tokens. */
  readonly #others: NativeTokenLogprob[] = []

  add(entries: readonly NativeTokenLogprobs[]): void {
    for (const { top, ...chosen } of entries) {
      this.#write(chosen)
      this.#reserve(4)
      this.#end = this.#bytes.writeUInt32LE(top.length, this.#end)
      for (const one of top) this.#write(one)
    }
  }

  /** All that was added. */
  unpacked(): NativeTokenLogprobs[] {
    const from: Place = { at: 0, others: this.#others.values() }
    const entries: NativeTokenLogprobs[] = []
    while (from.at < this.#end) {
      const chosen = this.#read(from)
      const count = this.#bytes.readUInt32LE(from.at)
      from.at += 4
      entries.push({ ...chosen, top: Array.from({ length: count }, () => this.#read(from)) })
    }
    return entries
  }

  #write(entry: NativeTokenLogprob): void {
    const { id, bytes, logprob, name } = entry
    this.#reserve(headBytes + bytes.length)
    const isUsual =
      name === undefined && bytes.length < other && Object.is(Math.fround(logprob), logprob)
    this.#end = this.#bytes.writeUInt16LE(isUsual ? bytes.length : other, this.#end)
    if (!isUsual) {
      this.#others.push(entry)
      return
    }
    this.#end = this.#bytes.writeInt32LE(id, this.#end)
    this.#end = this.#bytes.writeFloatLE(logprob, this.#end)
    this.#end += this.#bytes.write(bytes, this.#end, 'latin1')
  }

  #read(from: Place): NativeTokenLogprob {
    const { at } = from
    const length = this.#bytes.readUInt16LE(at)
    if (length === other) {
      from.at = at + 2
      return from.others.next().value as NativeTokenLogprob
    }
    from.at = at + headBytes + length
    return {
      id: this.#bytes.readInt32LE(at + 2),
      logprob: this.#bytes.readFloatLE(at + 6),
      bytes: this.#bytes.toString('latin1', at + headBytes, from.at),
    }
  }

  /** Grows by a quarter: a reply's are many, and what is left over is memory too. */
  #reserve(more: number): void {
    const needed = this.#end + more
    if (needed <= this.#bytes.length) return
    const grown = Buffer.allocUnsafeSlow(Math.ceil(needed * 1.25) + 256)
    this.#bytes.copy(grown, 0, 0, this.#end)
    this.#bytes = grown
  }
}

/** How far a look through the entries is. */
interface Place {
  at: number
  readonly others: Iterator<NativeTokenLogprob>
}
