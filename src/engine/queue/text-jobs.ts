import {
  type ClosedError,
  type EngineEndedError,
  OverloadedError,
  QueueTimeoutError,
  type SluiceError,
} from '../../api/errors.js'
import { abortedBy, onAbort } from '../abort-signals.js'
import { hasPlace } from './places.js'

/** Text jobs (tokenize, detokenize ...) that may wait, those with the engine included. */
const waitingMax = 1024
/** With the engine, not deferred: one under way, and one so that it waits not for this thread. */
const startedMax = 2

type TextResult = Int32Array | string | Uint8Array[]

/** Whose work it is, and what gives it up. */
export interface TextAsker {
  readonly owner?: string | undefined
  readonly signal?: AbortSignal | undefined
}

interface TextJob {
  start(): void
  resolve(value: TextResult): void
  reject(error: unknown): void
}

/**
 * Work on texts that the engine does on the threads that prepare requests. It gets two at a time,
 * beside those that it deferred because they take long: a text that waits here takes no turn from a
 * request. The owners of those that wait take turns. A job that waits longer than the queue's
 * deadline, here or there, or whose signal fires, is rejected at once and given up: if it is under
 * way, it ends where that is possible. Owned by EngineClient.
 */
export class TextJobs {
  readonly #deadlineMs: number
  readonly #cancel: (id: number) => void
  /** By their owners, the one whose turn it is first, and by their ids. None is empty. */
  readonly #waiting = new Map<string, Map<number, TextJob>>()
  readonly #started = new Map<number, TextJob>()
  readonly #deferred = new Map<number, TextJob>()

  /** `cancel` tells the engine that a job it has is not wanted any more. */
  constructor(deadlineMs: number, cancel: (id: number) => void) {
    this.#deadlineMs = deadlineMs
    this.#cancel = cancel
  }

  /**
   * Rejects with OverloadedError, with CancelledError by the signal, with QueueTimeoutError by the
   * deadline, or as reject() is told.
   */
  async ask<Result extends TextResult>(
    id: number,
    start: () => void,
    { owner = '', signal }: TextAsker = {},
  ) {
    if (signal?.aborted) throw abortedBy(signal, 'the text was given up')
    if (!this.#hasPlaceFor(owner)) {
      throw new OverloadedError(`${waitingMax} texts wait to be tokenized; try again later`)
    }
    let rest: (() => void) | undefined
    let timer: NodeJS.Timeout | undefined
    try {
      return await new Promise<Result>((resolve, reject) => {
        rest = onAbort(signal, () => this.#giveUp(id, abortedBy(signal, 'the text was given up')))
        timer = setTimeout(() => this.#giveUp(id, late(this.#deadlineMs)), this.#deadlineMs)
        const job = { start, resolve: resolve as TextJob['resolve'], reject }
        this.#waiting.set(owner, (this.#waiting.get(owner) ?? new Map()).set(id, job))
        this.#startNext()
      })
    } finally {
      clearTimeout(timer)
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

  /** The engine does it beside the others, in a slower lane, and has room for another. */
  defer(id: number): void {
    const job = this.#started.get(id)
    if (job === undefined) return
    this.#started.delete(id)
    this.#deferred.set(id, job)
    this.#startNext()
  }

  /** Nothing that waits is started any more. */
  rejectAll(errorOf: () => ClosedError | EngineEndedError): void {
    const waiting = [...this.#waiting.values()].flatMap((jobs) => [...jobs.values()])
    const jobs = [...this.#started.values(), ...this.#deferred.values(), ...waiting]
    for (const job of jobs) job.reject(errorOf())
    this.#waiting.clear()
  }

  /** What the engine has still counts among its jobs until the engine has dropped it. */
  #giveUp(id: number, error: SluiceError): void {
    for (const [owner, jobs] of this.#waiting) {
      const waiting = jobs.get(id)
      if (waiting === undefined) continue
      jobs.delete(id)
      if (jobs.size === 0) this.#waiting.delete(owner)
      waiting.reject(error)
      return
    }
    const job = this.#started.get(id) ?? this.#deferred.get(id)
    if (job === undefined) return
    job.reject(error)
    this.#cancel(id)
  }

  /** Those with the engine are counted as everybody's. */
  #hasPlaceFor(owner: string): boolean {
    const waiting = [...this.#waiting.values()].reduce((sum, jobs) => sum + jobs.size, 0)
    const taken = waiting + this.#started.size + this.#deferred.size
    const ofOwner = this.#waiting.get(owner)?.size ?? 0
    return hasPlace({ taken, ofOwner, max: waitingMax, queue: waitingMax })
  }

  #done(id: number): TextJob | undefined {
    const deferred = this.#deferred.get(id)
    if (this.#deferred.delete(id)) return deferred
    const job = this.#started.get(id)
    if (this.#started.delete(id)) this.#startNext()
    return job
  }

  #startNext(): void {
    // What is set anew comes to the end: the owner's next turn is after everybody else's.
    for (const [owner, jobs] of this.#waiting) {
      if (this.#started.size >= startedMax) return
      const [id, job] = jobs.entries().next().value as [number, TextJob]
      jobs.delete(id)
      this.#waiting.delete(owner)
      if (jobs.size > 0) this.#waiting.set(owner, jobs)
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

function late(deadlineMs: number): QueueTimeoutError {
  return new QueueTimeoutError(
    `the text was not ready within ${deadlineMs} ms, for others were before it or it takes long; ` +
      'try again later, or shorten it',
  )
}
