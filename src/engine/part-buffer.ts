import type { NativePart, NativeTokenLogprob } from '../binding/native.js'
import type { ReplyPart, TokenLogprob, TokenLogprobs, ToolCallDelta } from './types.js'

/** Pieces of one choice of a reply that nobody has taken yet, merged into one. */
export class PartBuffer {
  readonly #choice: number
  #text = ''
  #tokens = 0
  #reasoning = ''
  #toolCalls: ToolCallDelta[] = []
  #logprobs: TokenLogprobs[] = []

  constructor(choice: number) {
    this.#choice = choice
  }

  get isEmpty(): boolean {
    return this.#text === '' && !this.#hasMore
  }

  addText(text: string, tokens: number): void {
    this.#text += text
    this.#tokens += tokens
  }

  addPart(part: NativePart): void {
    this.addText(part.text, part.tokens)
    this.#reasoning += part.reasoning
    for (const delta of part.toolCalls) this.#addToolCall(delta)
    for (const entry of part.logprobs) {
      this.#logprobs.push({ ...tokenLogprob(entry), top: entry.top.map(tokenLogprob) })
    }
  }

  /** All of it, and nothing is left. */
  take(): ReplyPart {
    const plain = { choice: this.#choice, text: this.#text, tokens: this.#tokens }
    const part: ReplyPart = this.#hasMore ? { ...plain, ...this.#more() } : plain
    this.clear()
    return part
  }

  clear(): void {
    this.#text = ''
    this.#tokens = 0
    if (!this.#hasMore) return
    this.#reasoning = ''
    this.#toolCalls = []
    this.#logprobs = []
  }

  get #hasMore(): boolean {
    return this.#reasoning !== '' || this.#toolCalls.length > 0 || this.#logprobs.length > 0
  }

  #more(): Partial<ReplyPart> {
    return {
      ...(this.#reasoning === '' ? {} : { reasoning: this.#reasoning }),
      ...(this.#toolCalls.length === 0 ? {} : { toolCalls: this.#toolCalls }),
      ...(this.#logprobs.length === 0 ? {} : { logprobs: this.#logprobs }),
    }
  }

  #addToolCall(delta: ToolCallDelta): void {
    const last = this.#toolCalls.at(-1)
    if (last?.index !== delta.index) {
      this.#toolCalls.push(delta)
      return
    }
    const merged = { ...last, arguments: last.arguments + delta.arguments }
    this.#toolCalls[this.#toolCalls.length - 1] = merged
  }
}

function tokenLogprob({ bytes, logprob, name }: NativeTokenLogprob): TokenLogprob {
  const buffer = Buffer.from(bytes, 'latin1')
  return { token: name ?? buffer.toString('utf8'), bytes: buffer, logprob }
}
