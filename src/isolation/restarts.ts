/** Restarts within `withinMs`, after which a further death is the engine's end. */
export const restartsMax = 3
export const withinMs = 90_000

/** Waits before each of them: what killed it once may be over, what kills it again is not. */
const delaysMs = [0, 1000, 5000] as const

/**
 * When a process that died is started again: at once the first time, later each time after that,
 * and not at all where it has died too often. Knows no clock: it is told the time.
 */
export class Restarts {
  #startedAt: number[] = []

  /** @returns milliseconds to wait, undefined where it is not to be started any more */
  next(now: number): number | undefined {
    this.#startedAt = this.#startedAt.filter((at) => now - at < withinMs)
    const delay = delaysMs[this.#startedAt.length]
    if (delay !== undefined) this.#startedAt.push(now + delay)
    return delay
  }
}
