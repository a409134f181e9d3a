import { type ChildProcess, spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { stripVTControlCharacters } from 'node:util'
import { afterEach } from 'vitest'
import { eventually } from '../eventually.js'

const main = fileURLToPath(new URL('../../../dist/cli/main.cjs', import.meta.url))
const children = new Set<ChildProcess>()

/** Ends what a failed test left running, in each file that calls it. */
export function closeTerminalsAfterEach(): void {
  afterEach(() => {
    for (const child of children) child.kill('SIGKILL')
  })
}

/** The real `sluice` on a pseudo terminal, which `script` of util-linux makes: Linux alone. */
export class PseudoTerminal {
  /** The exit code of `sluice`. */
  readonly code: Promise<number | null>
  /** All that came, with its sequences. */
  raw = ''
  readonly #child: ChildProcess

  constructor(args: readonly string[], env: Readonly<Record<string, string>> = {}) {
    const words = [process.execPath, main, ...args].map((word) => `'${word}'`).join(' ')
    const command = `stty cols 80 rows 40; echo "pid $$"; exec ${words}`
    const clean = Object.entries(process.env).filter(([name]) => !/^(SLUICE_|NO_COLOR)/.test(name))
    const child = spawn('script', ['-qefc', command, '/dev/null'], {
      env: { ...Object.fromEntries(clean), TERM: 'xterm', ...env },
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    this.#child = child
    children.add(child)
    this.code = new Promise((resolve, reject) => {
      child.once('error', reject)
      child.once('close', (code) => {
        children.delete(child)
        resolve(code)
      })
    })
    child.stdin?.on('error', () => undefined) // it has left, which its code tells
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.raw += text
    })
  }

  /** The same without sequences, and with plain line ends. */
  get text(): string {
    return stripVTControlCharacters(this.raw).replace(/\r+\n/g, '\n')
  }

  /** Of `sluice`. */
  get pid(): number {
    return Number(/^pid (\d+)/.exec(this.text)?.[1])
  }

  type(keys: string): void {
    this.#child.stdin?.write(keys)
  }

  /** Waits for what must come. @returns where it ends */
  async shows(pattern: RegExp, since = 0): Promise<number> {
    let end = -1
    const isThere = () => {
      const match = pattern.exec(this.text.slice(since))
      if (match !== null) end = since + match.index + match[0].length
      return match !== null
    }
    await eventually(isThere, () => `${pattern} never came, only: ${this.text}`)
    return end
  }
}
