import { CancelledError } from '../api/errors.js'
import { SmallSet } from './small-set.js'

/** What waits for a signal, by the signal. */
const waits = new WeakMap<AbortSignal, Wait>()

/**
 * Calls `callback` once when the signal is aborted, not of one that already is. All that wait for
 * a signal share one listener: of the eleventh Node would warn as a leak, and each that comes or
 * goes is looked for among the others.
 * @returns what takes it back; a signal for which nothing waits is left without a listener
 */
export function onAbort(signal: AbortSignal | undefined, callback: () => void): () => void {
  if (signal === undefined) return () => undefined
  let wait = waits.get(signal)
  if (wait === undefined) {
    wait = new Wait(signal)
    waits.set(signal, wait)
  }
  return wait.add(callback)
}

/** The error of what its signal ended, which has the signal's reason as its cause. */
export function abortedBy(signal: AbortSignal | undefined, what: string): CancelledError {
  return new CancelledError(`${what} by its signal`, { cause: signal?.reason })
}

/** All that wait for one signal. Lives as long as one of them does. */
class Wait {
  readonly #signal: AbortSignal
  readonly #callbacks = new SmallSet<() => void>()

  constructor(signal: AbortSignal) {
    this.#signal = signal
    signal.addEventListener('abort', this.#onAbort)
  }

  add(callback: () => void): () => void {
    const own = () => callback() // the same function may wait twice
    this.#callbacks.add(own)
    return () => {
      if (this.#callbacks.delete(own) && this.#callbacks.size === 0) this.#end()
    }
  }

  readonly #onAbort = (): void => {
    this.#end()
    for (const callback of this.#callbacks) {
      this.#callbacks.delete(callback) // one that is taken back meanwhile is not called
      callback()
    }
  }

  #end(): void {
    this.#signal.removeEventListener('abort', this.#onAbort)
    if (waits.get(this.#signal) === this) waits.delete(this.#signal)
  }
}
