import type { StreamedAnswer } from '../../web/answer.js'
import type { Call } from '../../web/call.js'
import type { HttpError } from '../../web/errors.js'
import { type ReaderState, ReaderWatch, type WatchedAnswer } from '../door/reader-watch.js'
import type { ListenerSettings } from '../options.js'

/** The exchange that a stream answers. */
interface Streamed {
  readonly call: Call
  readonly settings: Pick<ListenerSettings, 'pingMs' | 'readerStallMs'>
  /** The request's own. */
  readonly signal: AbortSignal
  /** Called once, when nothing more is sent. */
  onEnd(isSent: boolean): void
}

const utf8 = new TextEncoder()

/**
 * The frames of an answer as the body of a Response. Nothing is asked for ahead of its reader: a
 * frame is taken where one is read, and that is the credit by which the engine goes on.
 */
export function frameStream(
  answer: StreamedAnswer,
  exchange: Streamed,
): ReadableStream<Uint8Array> {
  return new ReadableStream(new FrameSource(answer, exchange), { highWaterMark: 0 })
}

/** Owned by its stream. It ends with its frames, its call, or its reader. */
class FrameSource implements WatchedAnswer {
  readonly #answer: StreamedAnswer
  readonly #exchange: Streamed
  #controller!: ReadableStreamDefaultController<Uint8Array>
  #isOpened = false
  /** Whether a read waits for a frame. */
  #isAsked = false
  /** How many reads have their frame. */
  #reads = 0
  #isEnded = false
  #silence: NodeJS.Timeout | undefined
  #watch: ReaderWatch | undefined
  /** Ends the wait for the reader. */
  #onAsked: () => void = () => undefined

  constructor(answer: StreamedAnswer, exchange: Streamed) {
    this.#answer = answer
    this.#exchange = exchange
  }

  start(controller: ReadableStreamDefaultController<Uint8Array>): void {
    const { call, settings } = this.#exchange
    this.#controller = controller
    call.signal.addEventListener('abort', this.#onAbort)
    this.#silence = setTimeout(() => this.#ping(), settings.pingMs)
    this.#silence.unref()
    this.#watch = new ReaderWatch(this, settings.readerStallMs)
    this.#awaitReader()
  }

  /** Called for a read, and not again before the last one has its frame. */
  async pull(): Promise<void> {
    this.#isAsked = true
    this.#onAsked()
    try {
      const { done, value } = await this.#next()
      if (this.#isEnded) return
      if (done) this.#last(value)
      else this.#send(value)
    } catch (error) {
      this.#fail(error)
    }
  }

  cancel(): void {
    this.#end(false)
  }

  readerState(): ReaderState {
    return { isBehind: !this.#isAsked, taken: this.#reads }
  }

  onReaderStall(): void {
    const { readerStallMs } = this.#exchange.settings
    this.#break(new Error(`nothing was read for ${readerStallMs} ms`))
  }

  async #next(): Promise<IteratorResult<string, string>> {
    const opening = this.#opening()
    if (opening !== '') return { done: false, value: opening }
    for (;;) {
      const step = await this.#answer.frames.next()
      if (step.done || step.value !== '') return step
    }
  }

  /** '' where it is sent already. */
  #opening(): string {
    if (this.#isOpened) return ''
    this.#isOpened = true
    return this.#answer.opening()
  }

  #send(frame: string): void {
    this.#isAsked = false
    this.#reads++
    this.#controller.enqueue(utf8.encode(frame))
    this.#silence?.refresh()
    this.#awaitReader()
  }

  /** Until the next read it is the reader that is waited for, and not the engine. */
  #awaitReader(): void {
    const asked = new Promise<void>((resolve) => {
      this.#onAsked = resolve
    })
    void this.#exchange.call.pause(asked)
  }

  /** To a reader that is behind, a ping would only be more to read. */
  #ping(): void {
    if (this.#isAsked && this.#controller.desiredSize === 0) {
      this.#controller.enqueue(utf8.encode(this.#answer.ping()))
    }
    this.#silence?.refresh()
  }

  /** The call has ended before its frames: its reader is told why, whether it reads or not. */
  readonly #onAbort = (): void => this.#fail(this.#exchange.call.signal.reason)

  #fail(thrown: unknown): void {
    if (this.#isEnded) return
    const error = this.#exchange.call.fail(thrown)
    if (error === undefined) return void this.#leave()
    const frame = this.#lastWords(error)
    if (frame === undefined) this.#break(error)
    else this.#last(frame)
  }

  /**
   * The client has left. Its server mostly cancels the stream in this turn; one that had failed
   * before, some would report as a fault of the program.
   */
  #leave(): void {
    this.#end(false)
    setImmediate(() => this.#controller.error(this.#exchange.signal.reason))
  }

  /** Behind the opening, where the call ends before the first read. */
  #lastWords(error: HttpError): string | undefined {
    try {
      return this.#opening() + this.#answer.errorFrame(error)
    } catch {
      return undefined // `error` is in the log; what kept it from the client is no more than that
    }
  }

  #last(frame: string): void {
    this.#controller.enqueue(utf8.encode(frame))
    this.#controller.close()
    this.#end(true)
  }

  #break(reason: unknown): void {
    this.#end(false)
    this.#controller.error(reason)
  }

  #end(isSent: boolean): void {
    if (this.#isEnded) return
    this.#isEnded = true
    clearTimeout(this.#silence)
    this.#watch?.stop()
    this.#onAsked()
    this.#exchange.call.signal.removeEventListener('abort', this.#onAbort)
    this.#answer.frames.return()
    this.#exchange.onEnd(isSent)
  }
}
