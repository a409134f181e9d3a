import type { ChoiceResult, ReplyPart, ReplyResult, Usage } from '../../../api/types.js'
import type { HttpError } from '../../../web/errors.js'
import { oneLine } from '../../one-line.js'
import {
  completionUsage,
  doneFrame,
  type Envelope,
  finishReasonOf,
  frameOpening,
} from '../envelope.js'
import { errorFrame } from '../errors.js'
import type { ChoiceWriter, CompletionLogprobs } from './logprobs.js'

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
    envelope: Envelope,
    choices: readonly (readonly ChoiceWriter[])[],
    options: { includeUsage: boolean },
  ) {
    this.#choices = choices
    this.#includeUsage = options.includeUsage
    this.#opening = frameOpening(envelope)
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

/** The parts of replies that are not streamed, one reply for each prompt. */
export class CompletionBody {
  readonly #envelope: Envelope
  /** Of each reply, its choices. */
  readonly #replies: readonly { readonly writer: ChoiceWriter; readonly parts: ReplyPart[] }[][]

  /** @param choices of each reply */
  constructor(envelope: Envelope, choices: readonly (readonly ChoiceWriter[])[]) {
    this.#envelope = envelope
    this.#replies = choices.map((writers) => writers.map((writer) => ({ writer, parts: [] })))
  }

  add(part: ReplyPart, reply: number): void {
    this.#replies[reply]?.[part.choice]?.parts.push(part)
  }

  /** The body, once all replies have ended. Choices are numbered prompt by prompt. */
  body(results: readonly ReplyResult[]) {
    const reasons = results.flatMap(({ choices }) => choices.map((one) => one.finishReason))
    return {
      ...this.#envelope,
      choices: this.#replies.flat().map(({ writer, parts }, index) => {
        const { text, logprobs } = writer.whole(parts)
        const reason = finishReasonOf(reasons[index] ?? 'cancelled')
        return { text, index, logprobs, finish_reason: reason }
      }),
      usage: completionUsage(usageOfAll(results.map(({ usage }) => usage))),
    }
  }
}

/** What all of a request's replies took together. */
function usageOfAll(usages: readonly Usage[]): Usage {
  const sum = (key: 'promptTokens' | 'cachedTokens' | 'completionTokens') =>
    usages.reduce((total, usage) => total + usage[key], 0)
  return {
    promptTokens: sum('promptTokens'),
    cachedTokens: sum('cachedTokens'),
    completionTokens: sum('completionTokens'),
  }
}
