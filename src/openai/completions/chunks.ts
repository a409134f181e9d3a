import type { ChoiceResult, Usage } from '../../api/types.js'
import { doneFrame, oneLine } from '../frames.js'
import type { Heading } from '../heading.js'
import { completionUsage, finishReasonOf } from '../usage.js'
import type { CompletionLogprobs } from './logprobs.js'

/** Writes the frames of one request's replies. What does not change is encoded once, here. */
export class CompletionChunks {
  readonly #opening: string
  readonly #closing: string
  readonly #includeUsage: boolean

  constructor(heading: Heading, options: { includeUsage: boolean }) {
    const head = JSON.stringify({
      id: heading.id,
      object: 'text_completion',
      created: heading.created,
      model: heading.model,
      system_fingerprint: heading.fingerprint,
    })
    this.#includeUsage = options.includeUsage
    this.#opening = `data: ${head.slice(0, -1)},"choices":[`
    this.#closing = `}]${options.includeUsage ? ',"usage":null' : ''}}\n\n`
  }

  text(index: number, text: string, logprobs: CompletionLogprobs | null = null): string {
    return this.#choice(index, oneLine(text), logprobs, 'null')
  }

  /** The last frame of a choice, with its reason. */
  finish(index: number, { finishReason }: ChoiceResult): string {
    return this.#choice(index, '""', null, `"${finishReasonOf(finishReason)}"`)
  }

  /** The usage chunk if it was asked for, and [DONE]. */
  ending(usage: Usage): string {
    if (!this.#includeUsage) return doneFrame
    return `${this.#opening}],"usage":${JSON.stringify(completionUsage(usage))}}\n\n${doneFrame}`
  }

  #choice(
    index: number,
    text: string,
    logprobs: CompletionLogprobs | null,
    finishReason: string,
  ): string {
    const told = logprobs === null ? 'null' : oneLine(logprobs)
    const choice = `{"text":${text},"index":${index},"logprobs":${told}`
    return `${this.#opening}${choice},"finish_reason":${finishReason}${this.#closing}`
  }
}
