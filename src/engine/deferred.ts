/**
 * What will be settled. Its promise is made once somebody asks for it, and may stay unawaited: its
 * rejection is never an unhandled one.
 */
export class Deferred<T> {
  #made: PromiseWithResolvers<T> | undefined
  #outcome: ((made: PromiseWithResolvers<T>) => void) | undefined

  get promise(): Promise<T> {
    if (this.#made === undefined) {
      this.#made = withResolvers<T>()
      this.#outcome?.(this.#made)
    }
    return this.#made.promise
  }

  get isSettled(): boolean {
    return this.#outcome !== undefined
  }

  /** Of no effect once it is settled, as reject(). */
  resolve(value: T | PromiseLike<T>): void {
    this.#settle((made) => made.resolve(value))
  }

  reject(error: unknown): void {
    this.#settle((made) => made.reject(error))
  }

  #settle(outcome: (made: PromiseWithResolvers<T>) => void): void {
    if (this.#outcome !== undefined) return
    this.#outcome = outcome
    if (this.#made !== undefined) outcome(this.#made)
  }
}

interface PromiseWithResolvers<T> {
  readonly promise: Promise<T>
  resolve(value: T | PromiseLike<T>): void
  reject(error: unknown): void
}

function withResolvers<T>(): PromiseWithResolvers<T> {
  let settle!: Pick<PromiseWithResolvers<T>, 'resolve' | 'reject'>
  const promise = new Promise<T>((resolve, reject) => {
    settle = { resolve, reject }
  })
  promise.catch(() => undefined)
  return { promise, ...settle }
}
