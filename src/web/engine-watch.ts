import type { EngineStats } from '../api/types.js'

/** Looks per deadline: a stall is seen at most a quarter late. */
const looks = 4

interface Watched {
  stats(): EngineStats
}

/**
 * Notices an engine that stands still while a reply is waited for, from its making until stop().
 * Owned by one call. These do not count:
 *  1. Waiting for a slow reader (pause()).
 *  2. Waiting in the queue while other requests move; the queue has a deadline of its own. Parked
 *     replies give up their slots to waiting requests, so then the engine moves.
 *  3. A batch that takes minutes: heartbeats go on within it where the CPU computes. On a GPU they
 *     come between batches only.
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

  /** Waiting behind a text that is being prepared is no standstill, unless the engine is stuck. */
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
