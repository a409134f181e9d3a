const minuteMs = 60_000

/**
 * Tokens that may be used, as many as there are for a minute at most. They come back at an even
 * pace. What a request takes is known when it has been computed, so there may be a debt.
 */
export class TokenBucket {
  #perMinute: number
  #level: number
  #atMs: number

  constructor(perMinute: number, nowMs: number) {
    this.#perMinute = perMinute
    this.#level = perMinute
    this.#atMs = nowMs
  }

  get perMinute(): number {
    return this.#perMinute
  }

  /** What is left now; below 0 is a debt. */
  left(nowMs: number): number {
    const back = (this.#perMinute * (nowMs - this.#atMs)) / minuteMs
    this.#level = Math.min(this.#perMinute, this.#level + back)
    this.#atMs = nowMs
    return this.#level
  }

  /** What was used since the last look: those that came back meanwhile are used first. */
  take(tokens: number, nowMs: number): void {
    this.#level -= tokens // before what came back is cut to a minute's
    this.left(nowMs)
  }

  /** Another limit from now on. What was used stays used. */
  change(perMinute: number, nowMs: number): void {
    const used = this.#perMinute - this.left(nowMs)
    this.#perMinute = perMinute
    this.#level = perMinute - used
  }

  /** How long a debt of so many tokens takes to be paid back. */
  msFor(tokens: number): number {
    return (Math.max(0, tokens) * minuteMs) / this.#perMinute
  }
}
