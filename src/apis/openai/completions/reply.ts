import type { ReplyPart, ReplyResult, Usage } from '../../../api/types.js'
import type { Heading } from '../envelope.js'
import { completionUsage, finishReasonOf } from '../usage.js'
import type { ChoiceWriter } from './logprobs.js'

/** The parts of replies that are not streamed, one reply for each prompt. */
export class CompletionBody {
  readonly #heading: Heading
  /** Of each reply, its choices. */
  readonly #replies: readonly { readonly writer: ChoiceWriter; readonly parts: ReplyPart[] }[][]

  /** @param choices of each reply */
  constructor(heading: Heading, choices: readonly (readonly ChoiceWriter[])[]) {
    this.#heading = heading
    this.#replies = choices.map((writers) => writers.map((writer) => ({ writer, parts: [] })))
  }

  add(part: ReplyPart, reply: number): void {
    this.#replies[reply]?.[part.choice]?.parts.push(part)
  }

  /** The body, once all replies have ended. Choices are numbered prompt by prompt. */
  body(results: readonly ReplyResult[]) {
    const heading = this.#heading
    const reasons = results.flatMap(({ choices }) => choices.map((one) => one.finishReason))
    return {
      id: heading.id,
      object: 'text_completion',
      created: heading.created,
      model: heading.model,
      system_fingerprint: heading.fingerprint,
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
export function usageOfAll(usages: readonly Usage[]): Usage {
  const sum = (key: 'promptTokens' | 'cachedTokens' | 'completionTokens') =>
    usages.reduce((total, usage) => total + usage[key], 0)
  return {
    promptTokens: sum('promptTokens'),
    cachedTokens: sum('cachedTokens'),
    completionTokens: sum('completionTokens'),
  }
}
