import { once } from 'node:events'
import type { ReplyPart } from '../../api/types.js'
import type { Colours } from '../colours.js'
import { visible } from '../run/visible.js'

/** Without dim text, what the model thinks stands between these. */
const thoughtsMarks = { begin: '[thoughts]\n', end: '[reply]\n' }

/** What the user sees, but for the prompt. Owned by the session. */
export class Screen {
  readonly #output: NodeJS.WritableStream
  readonly #style: Colours
  readonly #signal: AbortSignal
  readonly #isPlain: boolean
  #isAtLineStart = true
  #isThinking = false

  /** @param signal ends a wait for a terminal that takes nothing */
  constructor(output: NodeJS.WritableStream, style: Colours, signal: AbortSignal) {
    this.#output = output
    this.#style = style
    this.#signal = signal
    this.#isPlain = style.dim('x') === 'x'
  }

  /** A part of a reply, as it comes. */
  async part({ reasoning = '', text }: Pick<ReplyPart, 'reasoning' | 'text'>): Promise<void> {
    if (reasoning !== '') await this.#thoughts(reasoning)
    if (text !== '') await this.#text(text)
  }

  /** The reply is over, whichever way. */
  async endReply(): Promise<void> {
    this.#isThinking = false
    await this.#breakLine()
  }

  /** About the chat, and no part of it. */
  async note(words: string): Promise<void> {
    await this.#line(this.#style.dim(visible(words)))
  }

  async warn(words: string): Promise<void> {
    await this.#line(`${this.#style.yellow('sluice:')} ${visible(words)}`)
  }

  async #thoughts(text: string): Promise<void> {
    if (!this.#isThinking && this.#isPlain) await this.#write(thoughtsMarks.begin)
    this.#isThinking = true
    await this.#write(visible(text), this.#style.dim)
  }

  async #text(text: string): Promise<void> {
    if (!this.#isThinking) return this.#write(visible(text))
    this.#isThinking = false
    await this.#breakLine()
    await this.#write(this.#isPlain ? thoughtsMarks.end : '\n')
    const rest = visible(text).replace(/^\n+/, '')
    if (rest !== '') await this.#write(rest)
  }

  async #line(text: string): Promise<void> {
    await this.#breakLine()
    await this.#write(`${text}\n`)
  }

  async #breakLine(): Promise<void> {
    if (!this.#isAtLineStart) await this.#write('\n')
  }

  async #write(text: string, style = (plain: string) => plain): Promise<void> {
    this.#isAtLineStart = text.endsWith('\n')
    if (this.#output.write(style(text))) return
    try {
      await once(this.#output, 'drain', { signal: this.#signal })
    } catch (error) {
      if (!this.#signal.aborted) throw error
    }
  }
}
