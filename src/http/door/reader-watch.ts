import { SharedInterval } from '../../web/shared-interval.js'

/** Looks per deadline: a stall is seen at most a quarter late. */
const looks = 4

/** How far the reader of an answer is. */
export interface ReaderState {
  /** Whether something waits for it. */
  readonly isBehind: boolean
  /** What it took, in any unit. */
  readonly taken: number
}

/** Whose reader is watched. */
export interface WatchedAnswer {
  /** Undefined where there is no reader any more. */
  readerState(): ReaderState | undefined
  /** Called once its reader was behind for the whole deadline and took nothing. */
  onReaderStall(): void
}

/** By deadline. */
const watches = new Map<number, SharedInterval<ReaderWatch>>()

function watchesOf(stallMs: number): SharedInterval<ReaderWatch> {
  const known = watches.get(stallMs)
  if (known !== undefined) return known
  const shared = new SharedInterval<ReaderWatch>(stallMs / looks, (all) => {
    for (const one of all) one.look()
  })
  watches.set(stallMs, shared)
  return shared
}

/** From its making until stop(), or until the reader has stalled. */
export class ReaderWatch {
  readonly #answer: WatchedAnswer
  readonly #watches: SharedInterval<ReaderWatch>
  #taken: number | undefined
  /** The first look may come at once, and counts for nothing. */
  #still = -1

  constructor(answer: WatchedAnswer, stallMs: number) {
    this.#answer = answer
    this.#taken = answer.readerState()?.taken
    this.#watches = watchesOf(stallMs)
    this.#watches.add(this)
  }

  stop(): void {
    this.#watches.delete(this)
  }

  /** Called by its interval. */
  look(): void {
    const now = this.#answer.readerState()
    this.#still = now?.isBehind && now.taken === this.#taken ? this.#still + 1 : 0
    this.#taken = now?.taken
    if (now !== undefined && this.#still < looks) return
    this.stop()
    if (now !== undefined) this.#answer.onReaderStall()
  }
}
