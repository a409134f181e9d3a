import type { EngineStats } from '../api/types.js'
import { isStill } from '../web/engine-watch.js'

interface Watched {
  stats(): EngineStats
}

/** What was seen of an engine. */
interface Seen {
  readonly stats: EngineStats
  /** When it last moved, or had nothing to do. */
  readonly movedAt: number
}

/** Whether the engines of a server do what is asked of them: looked at now and then. */
export class Vitality {
  readonly #engines: () => readonly Watched[]
  readonly #stallMs: number
  readonly #now: () => number
  #seen = new WeakMap<Watched, Seen>()

  /** @param stallMs how long an engine may stand still while something waits for it */
  constructor(
    engines: () => readonly Watched[],
    stallMs: number,
    now: () => number = () => performance.now(),
  ) {
    this.#engines = engines
    this.#stallMs = stallMs
    this.#now = now
  }

  readonly isAlive = (): boolean => {
    return this.#engines().every((engine) => this.#moves(engine))
  }

  #moves(engine: Watched): boolean {
    const stats = engine.stats()
    const before = this.#seen.get(engine)
    const isIdle = stats.queued + stats.running === 0
    const rests = before !== undefined && !isIdle && isStill(before.stats, stats)
    const movedAt = rests ? before.movedAt : this.#now()
    this.#seen.set(engine, { stats, movedAt })
    return this.#now() - movedAt < this.#stallMs
  }
}
