import { HttpError } from '../../web/errors.js'

/** Bodies up to this size are not counted: as many as connections may have one. */
const smallBytes = 1024 * 1024

/**
 * Bounds the memory of bodies that are large: what a request says stays in memory until it is
 * answered. Owned by App.
 */
export class BodyBudget {
  readonly #bytesMax: number
  #bytes = 0

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax
  }

  /** Room for one body, which grows as it arrives; it is given back when `signal` is aborted. */
  open(signal: AbortSignal): { grow(bytes: number): void } {
    let held = 0
    let received = 0
    const free = () => {
      this.#bytes -= held
      held = 0
    }
    signal.addEventListener('abort', free, { once: true })
    return {
      grow: (bytes) => {
        received += bytes
        if (received <= smallBytes || signal.aborted) return
        this.#take(received - held)
        held = received
      },
    }
  }

  #take(bytes: number): void {
    if (this.#bytes > 0 && this.#bytes + bytes > this.#bytesMax) {
      const under = `${this.#bytes} bytes of large requests are under way`
      throw new HttpError('queue_full', `${under}, at most ${this.#bytesMax}; try again later.`)
    }
    this.#bytes += bytes
  }
}
