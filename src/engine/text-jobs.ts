import { onAbort } from './abort-signals.js'
import {
  CancelledError,
  type ClosedError,
  type EngineEndedError,
  OverloadedError,
  type SluiceError,
} from './errors.js'

/** Text jobs (tokenize, detokenize ...) that may wait, those with the engine included. */
const waitingMax = 1024
/** With the engine: one under way, and one so that it need not wait for this thread. */
const startedMax = 2

export type TextResult = Int32Array | string | Buffer[]

interface TextJob {
  start(): void
  resolve(value: TextResult): void
  reject(error: unknown): void
}

/**
 * Work on texts that the engine does on the thread that prepares requests. It gets two at a time:
 * what waits here takes no turn from a request, and is dropped when its asker leaves or the engine
 * closes. What the engine has is done all the same, and nobody hears of it. Owned by Session.
 */
export class TextJobs {
  readonly #waiting = new Map<number, TextJob>()
  readonly #started = new Map<number, TextJob>()

  /** Rejects with OverloadedError, with CancelledError by the signal, or as reject() is told. */
  async ask<Result extends TextResult>(id: number, start: () => void, signal?: AbortSignal) {
    if (signal?.aborted) throw aborted(signal)
    if (this.#started.size + this.#waiting.size >= waitingMax) {
      throw new OverloadedError(`${waitingMax} texts wait to be tokenized; try again later`)
    }
    let rest: (() => void) | undefined
    try {
      return await new Promise<Result>((resolve, reject) => {
        rest = onAbort(signal, () => {
          this.#waiting.delete(id)
          reject(aborted(signal))
        })
        this.#waiting.set(id, { start, resolve: resolve as TextJob['resolve'], reject })
        this.#startNext()
      })
    } finally {
      rest?.()
    }
  }

  /** The engine is done with a job. No effect on what is none. */
  resolve(id: number, value: TextResult): void {
    this.#done(id)?.resolve(value)
  }

  reject(id: number, error: SluiceError): void {
    this.#done(id)?.reject(error)
  }

  /** Nothing that waits is started any more. */
  rejectAll(error: ClosedError | EngineEndedError): void {
    for (const job of [...this.#started.values(), ...this.#waiting.values()]) job.reject(error)
    this.#waiting.clear()
  }

  #done(id: number): TextJob | undefined {
    const job = this.#started.get(id)
    if (this.#started.delete(id)) this.#startNext()
    return job
  }

  #startNext(): void {
    for (const [id, job] of this.#waiting) {
      if (this.#started.size >= startedMax) return
      this.#waiting.delete(id)
      this.#started.set(id, job)
      try {
        job.start()
      } catch (error) {
        this.#started.delete(id)
        job.reject(error)
      }
    }
  }
}

function aborted(signal: AbortSignal | undefined): CancelledError {
  return new CancelledError('the text was given up by its signal', { cause: signal?.reason })
}
