/** One timer for many who do a little now and then, each at its own moment of the period. */
export class Beat {
  readonly #periodMs: number
  readonly #slots: Set<() => void>[] = Array.from({ length: 20 }, () => new Set())
  #next = 0
  #joined = 0
  #timer: NodeJS.Timeout | undefined

  constructor(periodMs: number) {
    this.#periodMs = periodMs
  }

  /** Returns what ends it. */
  join(act: () => void): () => void {
    const slot = this.#slots[this.#joined++ % this.#slots.length] as Set<() => void>
    slot.add(act)
    this.#timer ??= setInterval(() => this.#turn(), this.#periodMs / this.#slots.length)
    return () => {
      slot.delete(act)
      if (this.#slots.some(({ size }) => size > 0)) return
      clearInterval(this.#timer)
      this.#timer = undefined
    }
  }

  #turn(): void {
    const slot = this.#slots[this.#next++ % this.#slots.length] as Set<() => void>
    for (const act of slot) act()
  }
}
