import type { ReplyResult } from '../../engine/types.js'
import { doneFrame, oneLine } from '../frames.js'
import type { Heading } from '../heading.js'
import { completionUsage, finishReasonOf } from '../usage.js'

/**
 * Writes one reply's frames. What does not change is encoded once, here; a token costs one
 * JSON.stringify of its text and two joins.
 */
export class ChunkEncoder {
  readonly #opening: string
  readonly #textOpening: string
  readonly #choiceClosing: string
  readonly #includeUsage: boolean

  constructor(heading: Heading, options: { includeUsage: boolean }) {
    const head = JSON.stringify({
      id: heading.id,
      object: 'chat.completion.chunk',
      created: heading.created,
      model: heading.model,
      system_fingerprint: heading.fingerprint,
    })
    this.#includeUsage = options.includeUsage
    this.#opening = `data: ${head.slice(0, -1)},"choices":[`
    this.#textOpening = `${this.#opening}{"index":0,"delta":{"content":`
    this.#choiceClosing = `}]${options.includeUsage ? ',"usage":null' : ''}}\n\n`
  }

  /** The first frame: who speaks, and no text yet. */
  role(): string {
    return this.#choice('{"role":"assistant","content":""}', 'null')
  }

  text(text: string): string {
    return `${this.#textOpening}${oneLine(text)}},"finish_reason":null${this.#choiceClosing}`
  }

  /** The finish chunk, the usage chunk if it was asked for, and [DONE]: for one write. */
  ending(result: ReplyResult): string {
    const finish = this.#choice('{}', `"${finishReasonOf(result.finishReason)}"`)
    if (!this.#includeUsage) return finish + doneFrame
    const usage = JSON.stringify(completionUsage(result.usage))
    return `${finish}${this.#opening}],"usage":${usage}}\n\n${doneFrame}`
  }

  #choice(delta: string, finishReason: string): string {
    const choice = `{"index":0,"delta":${delta},"finish_reason":${finishReason}`
    return this.#opening + choice + this.#choiceClosing
  }
}
