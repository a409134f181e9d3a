import type { PullProgress } from '../api/pull-types.js'

const tellMs = 100
/** Of the rate that is told. */
const windowMs = 5000

/** Counts the bytes of a pull, and tells of them now and then. Owned by one pull. */
export class Meter {
  readonly totalBytes: number
  readonly #tell: (progress: PullProgress) => void
  readonly #now: () => number
  /** Of the last seconds: when, and how many had come over the network. */
  readonly #samples: { at: number; came: number }[] = []
  #bytes: number
  #came = 0
  #toldAt = Number.NEGATIVE_INFINITY

  constructor(
    totalBytes: number,
    bytes: number,
    tell: (progress: PullProgress) => void,
    now = () => performance.now(),
  ) {
    this.totalBytes = totalBytes
    this.#bytes = bytes
    this.#tell = tell
    this.#now = now
  }

  /** What came over the network. */
  get came(): number {
    return this.#came
  }

  /** Bytes that came, of this file. */
  add(file: string, bytes: number): void {
    this.#bytes += bytes
    this.#came += bytes
    const at = this.#now()
    if (at - this.#toldAt < tellMs && this.#bytes < this.totalBytes) return
    this.#toldAt = at
    this.#samples.push({ at, came: this.#came })
    while (at - (this.#samples[0]?.at ?? at) > windowMs) this.#samples.shift()
    this.#tell({
      phase: 'downloading',
      file,
      bytes: this.#bytes,
      totalBytes: this.totalBytes,
      ...this.#rate(),
    })
  }

  /** Bytes that were there turn out to be there already, or to be of no use (negative). */
  correct(bytes: number): void {
    this.#bytes += bytes
  }

  #rate(): { bytesPerSecond: number; secondsLeft: number | null } {
    const [first, last] = [this.#samples[0], this.#samples.at(-1)]
    const ms = (last?.at ?? 0) - (first?.at ?? 0)
    const bytesPerSecond = ms > 0 ? (((last?.came ?? 0) - (first?.came ?? 0)) / ms) * 1000 : 0
    const left = this.totalBytes - this.#bytes
    return { bytesPerSecond, secondsLeft: bytesPerSecond > 0 ? left / bytesPerSecond : null }
  }
}
