/** Where lines of the log go. */
export interface LogOut {
  /** `done` hears of a fault, where there was one. */
  write(line: string, done: (error?: Error | null) => void): unknown
}

/**
 * Lines of the log, each of which is whole or missing. A full disk takes the beginning of a line:
 * what is written once there is room again begins on a line of its own.
 */
export class WholeLines {
  readonly #out: LogOut
  #isCut = false

  constructor(out: LogOut) {
    this.#out = out
  }

  write(line: string): void {
    const text = this.#isCut ? `\n${line}` : line
    this.#out.write(text, (error) => {
      this.#isCut = error !== undefined && error !== null
    })
  }
}
