import { colours } from './colours.js'

const width = 30
/** Milliseconds before it shows, so that a small model's does not flash by. */
const patience = 200

/** A bar on stderr while a model loads; nothing where stderr is no terminal. */
export class ProgressBar {
  readonly #label: string
  readonly #visibleFrom = performance.now() + patience
  #percent = -1

  constructor(label: string) {
    this.#label = label
  }

  readonly update = (fraction: number): void => {
    const percent = Math.floor(fraction * 100)
    if (!process.stderr.isTTY || percent === this.#percent) return
    if (performance.now() < this.#visibleFrom) return
    this.#percent = percent
    process.stderr.write(`\r${barLine(this.#label, percent)}\x1b[K`)
  }

  clear(): void {
    if (this.#percent >= 0) process.stderr.write('\r\x1b[K')
    this.#percent = -1
  }
}

export function barLine(label: string, percent: number): string {
  const filled = Math.round((percent / 100) * width)
  const rest = colours.dim('-'.repeat(width - filled))
  return `${label} [${colours.green('#'.repeat(filled))}${rest}] ${percent}%`
}
