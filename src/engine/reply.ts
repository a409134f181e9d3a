import type { NativeEvent } from '../binding/native.js'
import { CancelledError, type SluiceError } from './errors.js'
import { PartBuffer } from './part-buffer.js'
import type { ReplyListener, Session } from './session.js'
import type { Accepted, ReplyPart, ReplyResult } from './types.js'

type Submit = (listener: ReplyListener) => number
type Finished = Extract<NativeEvent, { kind: 'finished' }>
type Step = IteratorResult<ReplyPart, undefined>

const end: Step = { done: true, value: undefined }

/**
 * A reply on its way. Read it with `for await`, or await `text()`, or `done`: taking a part is
 * what lets the engine go on, so a reply that nobody reads waits within its window. It keeps its
 * place in the batch meanwhile, and does not keep the process alive.
 *
 * Leaving the loop, or `cancel()`, stops the generation and `done` resolves with finishReason
 * 'cancelled'. The request's AbortSignal stops it too, and rejects the loop and `done` with
 * ERR_CANCELLED. Errors reach whoever reads: the loop, `accepted`, `done` and `text()`; a promise
 * nobody awaits never becomes an unhandled rejection.
 */
export class Reply implements AsyncIterable<ReplyPart> {
  /** The seed in use, given or drawn. */
  readonly seed: number
  /**
   * Settles once the prompt is templated, tokenized, checked against the context and queued.
   * Rejects with ERR_OVERLOADED, ERR_CONTEXT_LENGTH, ERR_INVALID_REQUEST, ERR_CLOSED, or with
   * ERR_CANCELLED, also when `cancel()` came first.
   */
  readonly accepted: Promise<Accepted>

  readonly #session: Session
  readonly #signal: AbortSignal | undefined
  readonly #done = deferred<ReplyResult>()
  readonly #accepted = deferred<Accepted>()
  #id = 0
  #state: 'live' | 'ended' = 'live'
  #cancelled = false
  #isAccepted = false
  #error: SluiceError | undefined
  /** What nobody has taken yet. */
  readonly #buffer = new PartBuffer()
  /** Tokens that came and were not credited; those of a reply that `done` drains are, unread. */
  #uncredited = 0
  #reader: 'none' | 'iterator' | 'drain' = 'none'
  /** Readers that wait, in the order in which they asked. */
  readonly #waiting: Waiting[] = []

  /** @internal Made by Engine. */
  constructor(session: Session, submit: Submit, seed: number, signal: AbortSignal | undefined) {
    this.#session = session
    this.seed = seed
    this.#signal = signal
    this.accepted = this.#accepted.promise
    if (signal?.aborted) {
      this.#fail(this.#abortError())
      return
    }
    try {
      this.#id = submit(this.#listener())
    } catch (error) {
      this.#fail(error as SluiceError)
      return
    }
    signal?.addEventListener('abort', this.#onAbort, { once: true })
  }

  /**
   * How the reply ended. If nobody iterates, asking for it reads the reply to its end; what was
   * read is kept for a later iteration.
   */
  get done(): Promise<ReplyResult> {
    this.#drainUnlessIterated()
    return this.#done.promise
  }

  /** All the text that no iteration has taken yet, once the reply has ended. */
  async text(): Promise<string> {
    await this.done
    return this.#buffer.take().text
  }

  /** Stops generating, at the next step. `done` resolves with finishReason 'cancelled'. */
  cancel(): void {
    if (this.#state === 'ended' || this.#cancelled) return
    this.#cancelled = true
    this.#session.cancel(this.#id)
    this.#wake()
  }

  /** As a web stream; its pull is the credit, and its cancel the reply's. */
  toWeb(): ReadableStream<ReplyPart> {
    const iterator = this[Symbol.asyncIterator]()
    return new ReadableStream<ReplyPart>(
      {
        async pull(controller) {
          const { done, value } = await iterator.next()
          if (done) controller.close()
          else controller.enqueue(value)
        },
        async cancel() {
          await iterator.return?.()
        },
      },
      { highWaterMark: 0 },
    )
  }

  [Symbol.asyncIterator](): AsyncIterator<ReplyPart, undefined> {
    this.#reader = 'iterator'
    return {
      next: () => this.#next(),
      return: async () => {
        this.cancel()
        return end
      },
    }
  }

  #next(): Promise<Step> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject })
      this.#wake()
    })
  }

  /** Answers those that wait, as far as there is something to say. */
  #wake(): void {
    while (this.#waiting.length > 0) {
      if (this.#cancelled) this.#waiting.shift()?.resolve(end)
      else if (!this.#buffer.isEmpty) this.#waiting.shift()?.resolve(this.#take())
      else if (this.#error !== undefined) this.#waiting.shift()?.reject(this.#error)
      else if (this.#state === 'ended') this.#waiting.shift()?.resolve(end)
      else return
    }
  }

  #take(): Step {
    const value = this.#buffer.take()
    this.#credit()
    return { done: false, value }
  }

  #credit(): void {
    if (this.#uncredited > 0) this.#session.credit(this.#id, this.#uncredited)
    this.#uncredited = 0
  }

  #drainUnlessIterated(): void {
    if (this.#reader !== 'none') return
    // Later, so that `reply.done.then(...)` in front of a loop does not read ahead of it.
    setImmediate(() => {
      if (this.#reader !== 'none') return
      this.#reader = 'drain'
      this.#credit()
    })
  }

  #listener(): ReplyListener {
    return {
      onAccepted: (promptTokens) => {
        this.#isAccepted = true
        this.#accepted.resolve({ promptTokens })
      },
      onText: (text, tokens) => {
        if (this.#state === 'ended') return // aborted by its signal
        this.#buffer.addText(text, tokens)
        this.#arrived(tokens)
      },
      onPart: (part) => {
        if (this.#state === 'ended') return
        this.#buffer.addPart(part)
        this.#arrived(part.tokens)
      },
      onFinished: (event) => this.#finish(event),
      onError: (error) => this.#fail(error),
    }
  }

  #arrived(tokens: number): void {
    this.#uncredited += tokens
    if (this.#reader === 'drain') this.#credit()
    this.#wake()
  }

  #finish(event: Finished): void {
    if (this.#state === 'ended') return
    this.#state = 'ended'
    this.#signal?.removeEventListener('abort', this.#onAbort)
    const { promptTokens, cachedTokens, completionTokens, stopString } = event
    const { queueMs, prefillMs, decodeMs, parkedMs, draftTokens, draftAcceptedTokens } = event
    if (!this.#isAccepted) this.#accepted.reject(cancelledEarly())
    this.#done.resolve({
      // Cancelled in time for its reader, though the engine had just come to the end.
      finishReason: this.#cancelled ? 'cancelled' : event.finishReason,
      ...(stopString === undefined ? {} : { stopString }),
      seed: this.seed,
      usage: { promptTokens, cachedTokens, completionTokens },
      timings: { queueMs, prefillMs, decodeMs, parkedMs, draftTokens, draftAcceptedTokens },
    })
    this.#wake()
  }

  #fail(error: SluiceError): void {
    if (this.#state === 'ended') return
    // Whoever cancelled hears that, whatever else was wrong.
    if (this.#cancelled) {
      this.#finish(cancelledUnstarted)
      return
    }
    this.#state = 'ended'
    this.#error = error
    this.#signal?.removeEventListener('abort', this.#onAbort)
    this.#accepted.reject(error)
    this.#done.reject(error)
    this.#wake()
  }

  readonly #onAbort = (): void => {
    if (this.#cancelled) return
    this.#session.cancel(this.#id)
    this.#buffer.clear()
    this.#fail(this.#abortError())
  }

  #abortError(): CancelledError {
    return new CancelledError('the request was aborted by its signal', {
      cause: this.#signal?.reason,
    })
  }
}

const cancelledUnstarted: Finished = {
  kind: 'finished',
  id: 0,
  finishReason: 'cancelled',
  promptTokens: 0,
  cachedTokens: 0,
  completionTokens: 0,
  queueMs: 0,
  prefillMs: 0,
  decodeMs: 0,
  parkedMs: 0,
  draftTokens: 0,
  draftAcceptedTokens: 0,
}

function cancelledEarly(): CancelledError {
  return new CancelledError('the request was cancelled before it was accepted')
}

interface Waiting {
  resolve(step: Step): void
  reject(error: Error): void
}

interface Deferred<T> {
  promise: Promise<T>
  resolve(value: T): void
  reject(error: Error): void
}

/** A promise that may stay unawaited: its rejection is never an unhandled one. */
function deferred<T>(): Deferred<T> {
  let settle!: Pick<Deferred<T>, 'resolve' | 'reject'>
  const promise = new Promise<T>((resolve, reject) => {
    settle = { resolve, reject }
  })
  promise.catch(() => undefined)
  return { promise, ...settle }
}
