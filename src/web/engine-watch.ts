import type { EngineStats } from '../api/types.js'
import { SharedInterval } from './shared-interval.js'

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
  readonly #lookout: Lookout
  readonly #onStall: () => void
  #pauses = 0
  /** The first look may come at once, and counts for nothing. */
  #still = -1

  constructor(engine: Watched, stallMs: number, onStall: () => void) {
    this.#onStall = onStall
    this.#lookout = lookoutOf(engine, stallMs)
    this.#lookout.add(this)
  }

  stop(): void {
    this.#lookout.delete(this)
  }

  /** Looks away until the promise is settled: it is not the engine that is waited for. */
  async pause(until: Promise<void>): Promise<void> {
    this.#pauses++
    await until
    this.#pauses--
    this.#still = -1
  }

  /** Called by its lookout. */
  look(isStill: boolean): void {
    if (!isStill || this.#pauses > 0) this.#still = 0
    else if (++this.#still >= looks) {
      this.stop()
      this.#onStall()
    }
  }
}

/** By engine and deadline: an engine is looked at once for all that wait for it. */
const lookouts = new WeakMap<Watched, Map<number, Lookout>>()

function lookoutOf(engine: Watched, stallMs: number): Lookout {
  const known = lookouts.get(engine) ?? new Map<number, Lookout>()
  lookouts.set(engine, known)
  const lookout = known.get(stallMs) ?? new Lookout(engine, stallMs)
  known.set(stallMs, lookout)
  return lookout
}

/** Looks at an engine for all that watch it. */
class Lookout {
  readonly #engine: Watched
  readonly #watches: SharedInterval<EngineWatch>
  #last: Signs = { steps: 0, beats: 0, preparerBeats: 0, busy: false }

  constructor(engine: Watched, stallMs: number) {
    this.#engine = engine
    this.#watches = new SharedInterval(stallMs / looks, (watches) => {
      const isStill = this.#isStill()
      for (const watch of watches) watch.look(isStill)
    })
  }

  add(watch: EngineWatch): void {
    this.#watches.add(watch)
  }

  delete(watch: EngineWatch): void {
    this.#watches.delete(watch)
  }

  #isStill(): boolean {
    const { steps, beats, preparerBeats, busy } = this.#engine.stats()
    const now = { steps, beats, preparerBeats, busy }
    const before = this.#last
    this.#last = now
    return isStill(before, now)
  }
}

/** By which an engine is seen to move. */
type Signs = Pick<EngineStats, 'steps' | 'beats' | 'preparerBeats' | 'busy'>

/**
 * Whether an engine did nothing between two looks. Waiting behind a text that is being prepared is
 * no standstill, unless the engine is stuck.
 */
export function isStill(before: Signs, now: Signs): boolean {
  const isComputing = now.steps !== before.steps || now.beats !== before.beats
  const isPreparing = now.preparerBeats !== before.preparerBeats
  return !isComputing && (now.busy || !isPreparing)
}
