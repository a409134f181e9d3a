import fs from 'node:fs'

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

/** A file's descriptor. Node's own stream does not look whether the system took all of a line. */
export class FileOut implements LogOut {
  readonly #fd: number

  constructor(fd: number) {
    this.#fd = fd
  }

  write(line: string, done: (error?: Error | null) => void): void {
    const bytes = Buffer.from(line)
    try {
      for (let at = 0; at < bytes.length; ) {
        const taken = fs.writeSync(this.#fd, bytes, at)
        if (taken === 0) throw new Error('The file takes no more.')
        at += taken
      }
      done()
    } catch (error) {
      done(error as Error)
    }
  }
}

/** Of the process: a file, a pipe or a terminal. A worker thread's has no descriptor. */
export function stderrOut(): LogOut {
  const { fd } = process.stderr as { fd?: number }
  if (fd === undefined || !fs.fstatSync(fd).isFile()) return process.stderr
  return new FileOut(fd)
}
