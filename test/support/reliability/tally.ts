import type { Metrics } from './metrics.js'
import type { Reached } from './phases.js'

/** What losses of clients came to. */
export class Tally {
  #kills = 0
  #started = 0
  #finished = 0
  #cancelled = 0
  #failed = 0
  /** From the last look before a loss until all is quiet. */
  readonly #steps: number[] = []
  /** From a loss until then. */
  readonly #ms: number[] = []

  add({ clients, before, there }: Reached, after: Metrics, ms: number): void {
    this.#kills += clients.length
    this.#started += after.started - before.started
    this.#finished += after.ended('finished') - before.ended('finished')
    this.#cancelled += after.ended('cancelled') - before.ended('cancelled')
    this.#failed += after.ended('failed') - before.ended('failed')
    this.#steps.push(after.steps - there.steps)
    this.#ms.push(ms)
  }

  get failed(): number {
    return this.#failed
  }

  toString(): string {
    const counts =
      `${this.#started} started = ${this.#finished} finished + ${this.#cancelled} cancelled + ` +
      `${this.#failed} failed`
    const [steps, ms] = [this.#steps, this.#ms].map((all) => Math.round(Math.max(...all)))
    return `${this.#kills} kills: ${counts}; at most ${steps} steps and ${ms} ms until quiet`
  }
}
