import type { UnderlyingSource } from 'node:stream/web'
import type { LanguageModelV3StreamPart } from '@ai-sdk/provider'
import type { ReplyPart } from '../api/types.js'
import type { Reply } from '../engine/reply.js'
import { isEngineError } from '../web/errors.js'
import { sdkError } from './errors.js'
import type { Places } from './places.js'
import { ReplyBlocks } from './reply-blocks.js'
import { endingOf, logprobsOf, partialUsage } from './reply-end.js'

interface StreamOptions {
  /** What comes before the reply. */
  readonly first: readonly LanguageModelV3StreamPart[]
  readonly signal: AbortSignal | undefined
  /** Whether the reply's own parts come beside what is made of them. */
  readonly hasRaw: boolean
  readonly places: Places
}

type Controller = ReadableStreamDefaultController<LanguageModelV3StreamPart>

/**
 * A reply as the source of the AI SDK's stream. A pull takes one part of the reply, which is the
 * reply's credit: who reads slowly has it parked. Who cancels the stream cancels the reply.
 */
export class ReplyStream implements UnderlyingSource<LanguageModelV3StreamPart> {
  readonly #reply: Reply
  readonly #parts: AsyncIterator<ReplyPart, undefined>
  readonly #options: StreamOptions
  readonly #blocks = new ReplyBlocks()
  readonly #logprobs: ReturnType<typeof logprobsOf> = []
  /** What is still under way then has nobody to tell. */
  #isCancelled = false

  constructor(reply: Reply, options: StreamOptions) {
    this.#reply = reply
    this.#parts = reply[Symbol.asyncIterator]()
    this.#options = options
  }

  start(controller: Controller): void {
    for (const part of this.#options.first) controller.enqueue(part)
  }

  async pull(controller: Controller): Promise<void> {
    try {
      // A part that says nothing but logprobs would leave the reader waiting.
      while (!(await this.#takeOne(controller)));
    } catch (error) {
      this.#fail(controller, error)
    }
  }

  async cancel(): Promise<void> {
    this.#isCancelled = true
    await this.#parts.return?.()
  }

  /** @returns whether there was something to say */
  async #takeOne(controller: Controller): Promise<boolean> {
    const { done, value } = await this.#parts.next()
    if (this.#isCancelled) return true
    if (done) {
      await this.#end(controller)
      return true
    }
    this.#logprobs.push(...logprobsOf(value))
    if (this.#options.hasRaw) controller.enqueue({ type: 'raw', rawValue: value })
    const parts = this.#blocks.add(value)
    for (const part of parts) controller.enqueue(part)
    return parts.length > 0 || this.#options.hasRaw
  }

  async #end(controller: Controller): Promise<void> {
    const result = await this.#reply.done
    if (this.#isCancelled) return
    const isCut = result.finishReason !== 'tool_calls'
    for (const part of this.#blocks.end(isCut)) controller.enqueue(part)
    const ending = endingOf(result, this.#logprobs, this.#options.places)
    controller.enqueue({ type: 'finish', ...ending })
    controller.close()
  }

  /** An abort breaks the stream off, as a fetch that is aborted does; all else is told in it. */
  #fail(controller: Controller, thrown: unknown): void {
    if (this.#isCancelled) return
    const { signal, places } = this.#options
    const error = sdkError(thrown, signal, places)
    if (signal?.aborted) {
      controller.error(error)
      return
    }
    for (const part of this.#blocks.end(true)) controller.enqueue(part)
    controller.enqueue({ type: 'error', error })
    const raw = isEngineError(thrown) ? thrown.code : undefined
    const { promptTokens, choices } = this.#reply.tally
    const usage = partialUsage(promptTokens, choices[0]?.completionTokens ?? 0)
    controller.enqueue({ type: 'finish', usage, finishReason: { unified: 'error', raw } })
    controller.close()
  }
}
