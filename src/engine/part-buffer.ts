import type {
  PromptTokenLogprobs,
  ReplyPart,
  TokenLogprob,
  TokenLogprobs,
  ToolCallDelta,
} from '../api/types.js'
import type { NativePart, NativeTokenLogprob, NativeTokenLogprobs } from '../binding/native.js'

/** Pieces of one choice of a reply that nobody has taken yet, merged into one. */
export class PartBuffer {
  readonly #choice: number
  #text = ''
  #tokens = 0
  #reasoning = ''
  #toolCalls: ToolCallDelta[] = []
  #logprobs: TokenLogprobs[] = []
  #promptLogprobs: PromptTokenLogprobs[] = []

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
    this.addText(part.text, replyTokensOf(part))
    this.#reasoning += part.reasoning
    for (const delta of part.toolCalls) this.#addToolCall(delta)
    for (const entry of part.logprobs) this.#logprobs.push(tokenLogprobs(entry))
    for (const entry of part.promptLogprobs) {
      const logprob = Number.isNaN(entry.logprob) ? null : entry.logprob
      this.#promptLogprobs.push({ ...tokenLogprobs(entry), logprob })
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
    this.#promptLogprobs = []
  }

  get #hasMore(): boolean {
    if (this.#reasoning !== '' || this.#toolCalls.length > 0) return true
    return this.#logprobs.length > 0 || this.#promptLogprobs.length > 0
  }

  #more(): Partial<ReplyPart> {
    return {
      ...(this.#reasoning === '' ? {} : { reasoning: this.#reasoning }),
      ...(this.#toolCalls.length === 0 ? {} : { toolCalls: this.#toolCalls }),
      ...(this.#logprobs.length === 0 ? {} : { logprobs: this.#logprobs }),
      ...(this.#promptLogprobs.length === 0 ? {} : { promptLogprobs: this.#promptLogprobs }),
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

/** Of a part's tokens, those that were generated. */
export function replyTokensOf({ tokens, promptLogprobs }: NativePart): number {
  return tokens - promptLogprobs.length
}

function tokenLogprobs(entry: NativeTokenLogprobs): TokenLogprobs {
  return { ...tokenLogprob(entry), top: entry.top.map(tokenLogprob) }
}

function tokenLogprob({ bytes, logprob, name }: NativeTokenLogprob): TokenLogprob {
  const buffer = Buffer.from(bytes, 'latin1')
  return { token: name ?? buffer.toString('utf8'), bytes: buffer, logprob }
}
