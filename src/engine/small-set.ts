/** A set of mostly one: a Set takes 200 bytes, and there may be one for each waiting request. */
export class SmallSet<T extends object> {
  #only: T | undefined
  /** From the second on; in the place of the field above. */
  #all: Set<T> | undefined

  get size(): number {
    return this.#all?.size ?? (this.#only === undefined ? 0 : 1)
  }

  has(one: T): boolean {
    return this.#all?.has(one) ?? this.#only === one
  }

  add(one: T): void {
    if (this.#all !== undefined) this.#all.add(one)
    else if (this.#only === undefined) this.#only = one
    else if (this.#only !== one) {
      this.#all = new Set([this.#only, one])
      this.#only = undefined
    }
  }

  /** Whether it was there. */
  delete(one: T): boolean {
    if (this.#all !== undefined) return this.#all.delete(one)
    if (this.#only !== one) return false
    this.#only = undefined
    return true
  }

  /** In the order in which they came; those that go meanwhile are left out. */
  *[Symbol.iterator](): Iterator<T> {
    const only = this.#only
    if (only !== undefined) yield only
    for (const one of this.#all ?? []) if (one !== only) yield one
  }
}
