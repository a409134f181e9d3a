import type { ChoiceResult, ReplyPart, ReplyResult, Usage } from '../../../api/types.js'
import type { HttpError } from '../../../web/errors.js'
import type { Heading } from '../envelope.js'
import { errorFrame } from '../errors.js'
import { doneFrame, oneLine } from '../frames.js'
import { completionUsage, finishReasonOf } from '../usage.js'
import type { ChoiceWriter, CompletionLogprobs } from './logprobs.js'
import { usageOfAll } from './reply.js'

/**
 * Writes the frames of one request's replies, one reply for each prompt. Choices are numbered
 * prompt by prompt. What does not change is encoded once, here.
 */
export class CompletionChunks {
  readonly #opening: string
  readonly #closing: string
  readonly #includeUsage: boolean
  readonly #choices: readonly (readonly ChoiceWriter[])[]
  /** Of the replies that have ended. */
  readonly #usages: Usage[] = []

  /** @param choices of each reply */
  constructor(
    heading: Heading,
    choices: readonly (readonly ChoiceWriter[])[],
    options: { includeUsage: boolean },
  ) {
    const head = JSON.stringify({
      id: heading.id,
      object: 'text_completion',
      created: heading.created,
      model: heading.model,
      system_fingerprint: heading.fingerprint,
    })
    this.#choices = choices
    this.#includeUsage = options.includeUsage
    this.#opening = `data: ${head.slice(0, -1)},"choices":[`
    this.#closing = `}]${options.includeUsage ? ',"usage":null' : ''}}\n\n`
  }

  /** The prompts, where they are repeated and nothing is told of their tokens. */
  opening(): string {
    const openings = this.#choices.flat().map(({ opening }) => opening)
    return openings.map((text, i) => (text === '' ? '' : this.#text(i, text, null))).join('')
  }

  /** The frames of a part, or nothing where it says nothing. */
  part(part: ReplyPart, reply: number): string {
    const told = this.#choices[reply]?.[part.choice]?.write(part) ?? []
    const index = this.#indexOf(reply) + part.choice
    return told.map(({ text, logprobs }) => this.#text(index, text, logprobs)).join('')
  }

  /** A reply's finish chunks; after the last reply the usage chunk, if asked for, and [DONE]. */
  ending({ choices, usage }: ReplyResult, reply: number): string {
    const first = this.#indexOf(reply)
    const finish = choices.map((choice, i) => this.#finish(first + i, choice)).join('')
    this.#usages.push(usage)
    if (this.#usages.length < this.#choices.length) return finish
    if (!this.#includeUsage) return finish + doneFrame
    const counts = JSON.stringify(completionUsage(usageOfAll(this.#usages)))
    return `${finish}${this.#opening}],"usage":${counts}}\n\n${doneFrame}`
  }

  /** Of a reply's first choice. All replies have as many. */
  #indexOf(reply: number): number {
    return reply * (this.#choices[0]?.length ?? 0)
  }

  #text(index: number, text: string, logprobs: CompletionLogprobs | null): string {
    return this.#choice(index, oneLine(text), logprobs, 'null')
  }

  #finish(index: number, { finishReason }: ChoiceResult): string {
    return this.#choice(index, '""', null, `"${finishReasonOf(finishReason)}"`)
  }

  failure(error: HttpError): string {
    return errorFrame(error)
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
