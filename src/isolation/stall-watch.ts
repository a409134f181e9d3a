import type { EngineSnapshot } from '../binding/engine-port.js'

/**
 * Looks for each deadline: a stall is seen after seven of eight parts of it at the earliest, and
 * after the whole at the latest. So whoever waits as long as that for a reply hears of the engine's
 * end before.
 */
export const looksPerDeadline = 8
const stillMax = looksPerDeadline - 1

/** What is known at a look. */
export interface Look {
  readonly snapshot: EngineSnapshot
  /** Whether anything was asked that has no end yet. */
  readonly isAwaited: boolean
  /** Whether the process has had messages that it said nothing to. */
  readonly isUnanswered: boolean
  /** Whether some of what was asked is still being prepared. */
  readonly isPreparing: boolean
  /** How many events have come in all. */
  readonly events: number
}

type Moving = Pick<EngineSnapshot, 'steps' | 'beats' | 'preparerBeats'> & { events: number }

/**
 * Tells whether an engine stands still that has something to do. Counts looks and not time: where
 * the process that looks was stopped itself, its first look afterwards is one look.
 */
export class StallWatch {
  #last: Moving = { steps: -1, beats: -1, preparerBeats: -1, events: -1 }
  #still = 0

  /** @returns whether it stands still for good */
  look(look: Look): boolean {
    this.#still = this.#isStill(look) ? this.#still + 1 : 0
    return this.#still >= stillMax
  }

  #isStill({ snapshot, isAwaited, isUnanswered, isPreparing, events }: Look): boolean {
    const { steps, beats, preparerBeats, busy } = snapshot
    const last = this.#last
    this.#last = { steps, beats, preparerBeats, events }
    if (steps !== last.steps || beats !== last.beats || events !== last.events) return false
    if (busy || isUnanswered) return isAwaited
    return isAwaited && isPreparing && preparerBeats === last.preparerBeats
  }
}
