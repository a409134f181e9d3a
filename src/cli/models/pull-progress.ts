import type { PullProgress } from '../../api/pull-types.js'
import { colours } from '../colours.js'
import { barLine } from '../progress.js'
import { bytesText, durationText } from './sizes.js'

/** Without a terminal: a line for each tenth of a pull, or for each minute. */
const stepPercent = 10
const stepMs = 60_000

/** Tells on stderr how far a pull is: a bar on a terminal, else a line now and then. */
export class PullProgressLine {
  readonly #isTerminal: boolean
  readonly #write: (text: string) => void
  #hasBar = false
  #percent = -1
  #toldAt = performance.now()

  constructor(
    isTerminal = process.stderr.isTTY === true,
    write: (text: string) => void = (text) => process.stderr.write(text),
  ) {
    this.#isTerminal = isTerminal
    this.#write = write
  }

  readonly update = (progress: PullProgress): void => {
    const { phase } = progress
    if (phase === 'found') this.#found(progress)
    else if (phase === 'downloading') this.#downloading(progress)
    else if (phase === 'waiting') this.#waiting(progress)
    else if (phase === 'note') this.#line(progress.message)
    else this.#line(`checking ${bytesText(progress.bytes)} that are there of ${progress.file}`)
  }

  /** Leaves the line to what comes next. */
  clear(): void {
    if (this.#hasBar) this.#write('\r\x1b[K')
    this.#hasBar = false
  }

  #found({ name, totalBytes, missingBytes }: PullProgress & { phase: 'found' }): void {
    const whole = bytesText(totalBytes)
    if (missingBytes === 0) this.#line(`${name} is there (${whole})`)
    else if (missingBytes === totalBytes) this.#line(`pulling ${name}, ${whole}`)
    else this.#line(`pulling ${name}, ${bytesText(missingBytes)} of ${whole}`)
  }

  #downloading(progress: PullProgress & { phase: 'downloading' }): void {
    const { bytes, totalBytes } = progress
    const percent = totalBytes === 0 ? 100 : Math.floor((bytes / totalBytes) * 100)
    if (this.#isTerminal) {
      this.#write(`\r${barLine('Pulling', percent)}${amounts(progress)}\x1b[K`)
      this.#hasBar = true
      return
    }
    const now = performance.now()
    const isNext = Math.floor(percent / stepPercent) > Math.floor(this.#percent / stepPercent)
    if (!isNext && now - this.#toldAt < stepMs) return
    this.#toldAt = now
    this.#percent = percent
    this.#line(`${percent}%${amounts(progress)}`)
  }

  #waiting({ reason, ms, message }: PullProgress & { phase: 'waiting' }): void {
    const what = reason === 'rate-limit' ? 'the Hub asks to wait' : 'trying again in'
    const wait = ms === null ? 'waiting for it' : `${what} ${Math.ceil(ms / 1000)} s`
    this.#line(`${message}: ${wait}`)
  }

  #line(text: string): void {
    this.clear()
    this.#write(`${colours.dim('sluice:')} ${text}\n`)
  }
}

function amounts({
  bytes,
  totalBytes,
  bytesPerSecond,
  secondsLeft,
}: PullProgress & { phase: 'downloading' }): string {
  const rate = bytesPerSecond > 0 ? `, ${bytesText(bytesPerSecond)}/s` : ''
  const left =
    secondsLeft === null || bytes === totalBytes ? '' : `, ${durationText(secondsLeft)} left`
  return ` ${bytesText(bytes)} of ${bytesText(totalBytes)}${rate}${left}`
}
