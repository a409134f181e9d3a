/**
 * One timer for many that are looked at now and then: a timer each takes 250 bytes. It runs while
 * there are some, and keeps no process alive.
 */
export class SharedInterval<T> {
  readonly #ms: number
  readonly #look: (all: Iterable<T>) => void
  readonly #all = new Set<T>()
  #timer: NodeJS.Timeout | undefined

  constructor(ms: number, look: (all: Iterable<T>) => void) {
    this.#ms = ms
    this.#look = look
  }

  /** Its first look may come at once. */
  add(one: T): void {
    this.#all.add(one)
    if (this.#timer !== undefined) return
    this.#timer = setInterval(() => this.#look(this.#all), this.#ms)
    this.#timer.unref()
  }

  delete(one: T): void {
    this.#all.delete(one)
    if (this.#all.size > 0) return
    clearInterval(this.#timer)
    this.#timer = undefined
  }
}
