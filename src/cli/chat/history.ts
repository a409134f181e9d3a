import fs from 'node:fs'
import path from 'node:path'
import { reasonOf } from '../../api/show.js'

/** Lines that a session begins with, and that the file has after that at most. */
export const linesMax = 1000
/** Bytes of a file that are looked at, from its end: a line may be long. */
const bytesMax = 4 * 2 ** 20

/**
 * Where programs keep what is not worth a backup, by the platform's custom.
 * @param home the user's folder
 */
export function stateFolder(
  platform: NodeJS.Platform,
  environment: NodeJS.ProcessEnv,
  home: string,
): string {
  if (platform === 'win32') {
    return path.win32.join(
      environment.LOCALAPPDATA || path.win32.join(home, 'AppData', 'Local'),
      'sluice',
    )
  }
  if (platform === 'darwin') {
    return path.posix.join(home, 'Library', 'Application Support', 'sluice')
  }
  const own = environment.XDG_STATE_HOME ?? ''
  // What is relative is to be ignored, as the XDG base directory specification has it.
  const base = path.posix.isAbsolute(own) ? own : path.posix.join(home, '.local', 'state')
  return path.posix.join(base, 'sluice')
}

/**
 * The lines that were entered, over sessions, in a file for its owner alone. Each is appended as it
 * comes, so sessions at once lose none. A file that cannot be used is told once; the chat goes on.
 */
export class InputHistory {
  readonly #file: string
  readonly #warn: (words: string) => void
  #last: string | undefined
  #isUsable = true

  constructor(file: string, warn: (words: string) => void) {
    this.#file = file
    this.#warn = warn
  }

  /** What earlier sessions left, the newest first. Shortens a file that has grown long. */
  read(): string[] {
    return this.#attempt(() => this.#lines()) ?? []
  }

  add(line: string): void {
    if (line.trim() === '' || line === this.#last) return
    this.#last = line
    this.#attempt(() => {
      fs.mkdirSync(path.dirname(this.#file), { recursive: true, mode: 0o700 })
      fs.appendFileSync(this.#file, `${line}\n`, { mode: 0o600 })
    })
  }

  #lines(): string[] {
    if (!fs.existsSync(this.#file)) return []
    const lines = endOf(this.#file).split('\n')
    lines.pop() // behind the last line end there is nothing
    const kept = lines.slice(-linesMax)
    if (lines.length > 2 * linesMax) this.#rewrite(kept)
    this.#last = kept.at(-1)
    return kept.reverse()
  }

  #rewrite(lines: readonly string[]): void {
    const next = `${this.#file}.${process.pid}`
    fs.writeFileSync(next, lines.map((line) => `${line}\n`).join(''), { mode: 0o600 })
    fs.renameSync(next, this.#file)
  }

  #attempt<T>(act: () => T): T | undefined {
    if (!this.#isUsable) return undefined
    try {
      return act()
    } catch (error) {
      this.#isUsable = false
      this.#warn(`what you type is not kept: ${this.#file} (${reasonOf(error)})`)
      return undefined
    }
  }
}

function endOf(file: string): string {
  const handle = fs.openSync(file, 'r')
  try {
    const { size } = fs.fstatSync(handle)
    const bytes = Buffer.alloc(Math.min(size, bytesMax))
    fs.readSync(handle, bytes, 0, bytes.length, size - bytes.length)
    return bytes.toString('utf8')
  } finally {
    fs.closeSync(handle)
  }
}
