import type { EngineStats, ReplyPart } from '../engine/types.js'

/** Looks per deadline: a stall is seen at most a quarter late. */
const looks = 4

interface Watched {
  stats(): EngineStats
  readonly settings: { readonly parallel: number }
}

/**
 * Notices an engine that stands still while a reply is waited for. Owned by the handler of one
 * exchange, which stops it. Waiting for a slow reader does not count, nor does waiting in the
 * queue while others move; the queue has its own deadline.
 */
export class EngineWatch {
  readonly #engine: Watched
  readonly #timer: NodeJS.Timeout
  #isWaiting = false
  #steps = 0
  #still = 0

  constructor(engine: Watched, stallMs: number, onStall: () => void) {
    this.#engine = engine
    this.#timer = setInterval(() => {
      if (!this.#isStill()) this.#still = 0
      else if (++this.#still >= looks) {
        this.stop()
        onStall()
      }
    }, stallMs / looks)
    this.#timer.unref()
  }

  stop(): void {
    clearInterval(this.#timer)
  }

  /** The parts of a reply, each wait for one of them watched. */
  async *parts(reply: AsyncIterable<ReplyPart>): AsyncGenerator<ReplyPart, void> {
    this.#wait(true)
    for await (const part of reply) {
      this.#wait(false)
      yield part
      this.#wait(true)
    }
    this.#wait(false)
  }

  async wait<T>(promise: Promise<T>): Promise<T> {
    this.#wait(true)
    const value = await promise
    this.#wait(false)
    return value
  }

  #wait(isWaiting: boolean): void {
    this.#isWaiting = isWaiting
    this.#still = 0
  }

  #isStill(): boolean {
    if (!this.#isWaiting) return false
    const { steps, running, parked, queued } = this.#engine.stats()
    const hasMoved = steps !== this.#steps
    this.#steps = steps
    // Every place is held for a reader that is behind: the queue waits, the engine is well.
    const isFull = running === 0 && queued > 0 && parked >= this.#engine.settings.parallel
    return !hasMoved && !isFull
  }
}
