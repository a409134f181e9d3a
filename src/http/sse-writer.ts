import type { ServerResponse } from 'node:http'
import type { ApiError } from '../openai/errors.js'
import { errorFrame } from '../openai/frames.js'

/** A comment: clients skip it, and what sits between sees that the connection lives. */
const ping = ': ping\n\n'

/**
 * A response as Server-Sent Events. Owned by the handler of its exchange.
 *
 * - `open` sends the headers, and the first frames with them where there are any yet.
 * - `write` says whether there is room for more; if not, wait for `drain` before the next.
 * - `end` sends the last frames and the end in one write: ended later, a client that hangs up at
 *   [DONE] would look like one that left.
 */
export class SseWriter {
  readonly #res: ServerResponse
  readonly #silence: NodeJS.Timeout
  /** Until the reader has caught up: several replies of one exchange may wait for it. */
  #drained: Promise<void> | undefined

  constructor(res: ServerResponse, options: { pingMs: number }) {
    this.#res = res
    this.#silence = setTimeout(() => this.#ping(), options.pingMs)
    this.#silence.unref()
    res.once('close', () => clearTimeout(this.#silence))
  }

  open(frames: string): void {
    this.#res.writeHead(200, {
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-cache',
      'x-accel-buffering': 'no',
    })
    if (frames === '') this.#res.flushHeaders()
    else this.#res.write(frames)
  }

  /** False when the reader is behind. After the client has left, writes go nowhere. */
  write(frames: string): boolean {
    this.#silence.refresh()
    return this.#res.write(frames)
  }

  /**
   * Resolves when the reader has caught up, or `signal` fires; never rejects. The signal has to
   * fire when the client leaves: after a close there is no 'drain'.
   */
  drain(signal: AbortSignal): Promise<void> {
    if (!this.#res.writableNeedDrain || signal.aborted) return Promise.resolve()
    this.#drained ??= this.#caughtUp(signal)
    return this.#drained
  }

  #caughtUp(signal: AbortSignal): Promise<void> {
    const res = this.#res
    return new Promise((resolve) => {
      const settle = () => {
        this.#drained = undefined
        res.off('drain', settle)
        signal.removeEventListener('abort', settle)
        resolve()
      }
      res.on('drain', settle)
      signal.addEventListener('abort', settle)
    })
  }

  end(frames: string): void {
    clearTimeout(this.#silence)
    this.#res.end(frames)
  }

  /** An error after the headers is a frame; the end comes without [DONE]. */
  fail(error: ApiError): void {
    this.end(errorFrame(error))
  }

  #ping(): void {
    // To a reader that is behind, a comment would only be more to read.
    if (!this.#res.writableNeedDrain) this.#res.write(ping)
    this.#silence.refresh()
  }
}
