import { isOfListener } from '../options/checks.js'
import { type DrainOptions, drainSettings } from './options.js'

/** How long ended replies may take to reach their readers once a drain's deadline has passed. */
export const lastWordsMs = 1000

/** The one end of a server, listener or handler, however often it is asked for. Owned by that. */
export class Drain {
  readonly #deadline = new AbortController()
  readonly #end: (deadline: AbortSignal) => Promise<void>
  readonly #cutOff: () => void
  #ended: Promise<void> | undefined

  /**
   * @param end refuses what is new and waits for what is under way, which it ends at the deadline
   * @param cutOff closes the connections of readers that do not take the last words they are sent
   */
  constructor(end: (deadline: AbortSignal) => Promise<void>, cutOff: () => void) {
    this.#end = end
    this.#cutOff = cutOff
  }

  /** Rejects with ERR_INVALID_OPTION, and then ends nothing. */
  async run(options: DrainOptions = {}): Promise<void> {
    const { deadlineMs } = drainSettings(isOfListener(options) ? {} : options)
    const timer = setTimeout(() => this.#deadline.abort(), deadlineMs)
    this.#ended ??= this.#begin()
    if (deadlineMs === 0) this.#deadline.abort()
    return this.#ended.finally(() => clearTimeout(timer))
  }

  #begin(): Promise<void> {
    const { signal } = this.#deadline
    let timer: NodeJS.Timeout | undefined
    const cutOff = () => {
      timer = setTimeout(this.#cutOff, lastWordsMs).unref()
    }
    signal.addEventListener('abort', cutOff, { once: true })
    return this.#end(signal).finally(() => {
      clearTimeout(timer) // who comes later is no reader of these
      signal.removeEventListener('abort', cutOff)
    })
  }
}
