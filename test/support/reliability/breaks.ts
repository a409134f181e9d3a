/** Breaks of many clients at once, in which a server has nothing to do. */
export class Breaks {
  #asking = 0
  #isBreak = false
  readonly #changed = new Set<() => void>()

  /** One request of a client. It waits first while there is a break. */
  async ask(request: () => Promise<void>): Promise<void> {
    await this.#until(() => !this.#isBreak)
    this.#asking++
    try {
      await request()
    } finally {
      this.#asking--
      this.#tell()
    }
  }

  /** Once all that was asked has ended. Nothing is asked until `work` has. */
  async during<T>(work: () => Promise<T>): Promise<T> {
    this.#isBreak = true
    try {
      await this.#until(() => this.#asking === 0)
      return await work()
    } finally {
      this.#isBreak = false
      this.#tell()
    }
  }

  async #until(holds: () => boolean): Promise<void> {
    while (!holds()) await new Promise<void>((resolve) => this.#changed.add(resolve))
  }

  #tell(): void {
    for (const resolve of this.#changed) resolve()
    this.#changed.clear()
  }
}
