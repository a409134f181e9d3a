import type { EngineStats } from '../api/types.js'

/** Looks per deadline: a stall is seen at most a quarter late. */
const looks = 4

interface Watched {
  stats(): EngineStats
}

/**
 * Notices an engine that stands still while a reply is waited for, from its making until stop().
 * Owned by one call. Waiting for a slow reader does not count, nor does waiting
 * in the queue while others move; the queue has its own deadline. Who waits behind replies that
 * nobody reads gets the place of one of them, so that the engine moves. A call may take minutes:
 * the engine's beats move within it, where the CPU computes. On a GPU they do so between calls
 * only.
 */
export class EngineWatch {
  readonly #engine: Watched
  readonly #timer: NodeJS.Timeout
  #pauses = 0
  #steps = 0
  #beats = 0
  #preparerBeats = 0
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

  /** Looks away until the promise is settled: it is not the engine that is waited for. */
  async pause(until: Promise<void>): Promise<void> {
    this.#pauses++
    await until
    this.#pauses--
    this.#still = 0
  }

  /** Whoever waits in turn behind a text of the Preparer's is not stuck, but for a stuck engine. */
  #isStill(): boolean {
    if (this.#pauses > 0) return false
    const { steps, beats, preparerBeats, busy } = this.#engine.stats()
    const isComputing = steps !== this.#steps || beats !== this.#beats
    const isPreparing = preparerBeats !== this.#preparerBeats
    this.#steps = steps
    this.#beats = beats
    this.#preparerBeats = preparerBeats
    return !isComputing && (busy || !isPreparing)
  }
}
