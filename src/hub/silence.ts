/**
 * The signal of a request that ends it where nothing is heard for too long, or by the caller's
 * signal. Owned by the request; `end` after it, or its timer and connection hold the process.
 */
export class Silence {
  readonly #controller = new AbortController()
  readonly #timer: NodeJS.Timeout
  readonly #outer: AbortSignal
  readonly #onAbort = (): void => this.#controller.abort(this.#outer.reason)

  constructor(outer: AbortSignal, ms: number) {
    this.#outer = outer
    this.#timer = setTimeout(() => {
      this.#controller.abort(new Error(`nothing came for ${Math.round(ms / 1000)} s`))
    }, ms)
    if (outer.aborted) this.#onAbort()
    outer.addEventListener('abort', this.#onAbort, { once: true })
  }

  get signal(): AbortSignal {
    return this.#controller.signal
  }

  /** Something came. */
  heard(): void {
    this.#timer.refresh()
  }

  end(): void {
    clearTimeout(this.#timer)
    this.#outer.removeEventListener('abort', this.#onAbort)
    this.#controller.abort() // closes the connection where its body was not read to the end
  }
}
