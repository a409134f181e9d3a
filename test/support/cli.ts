import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { afterEach } from 'vitest'
import { eventually } from './eventually.js'

const main = fileURLToPath(new URL('../../dist/cli/main.cjs', import.meta.url))

export interface CliOptions {
  /** Beside this process's environment, from which all SLUICE_ variables are taken out. */
  env?: Record<string, string>
  /** What stdin holds; without it stdin is closed. */
  input?: string
}

export interface CliResult {
  stdout: string
  stderr: string
  /** null where a signal ended it. */
  code: number | null
}

const children = new Set<ChildProcess>()

/** The real `sluice`, as it was built. */
export function startCli(args: string[], { env = {}, input }: CliOptions = {}): RunningCli {
  if (!existsSync(main)) throw new Error(`${main} is missing; build it with: npm test`)
  const clean = Object.entries(process.env).filter(([name]) => !name.startsWith('SLUICE_'))
  const child = spawn(process.execPath, [main, ...args], {
    env: { ...Object.fromEntries(clean), NO_COLOR: '1', ...env },
    stdio: [input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
  })
  children.add(child)
  child.once('exit', () => children.delete(child))
  child.stdin?.end(input)
  return new RunningCli(child)
}

export async function runCli(args: string[], options: CliOptions = {}): Promise<CliResult> {
  return startCli(args, options).result
}

/** Ends what a failed test left running. */
export function killAfterEach(): void {
  afterEach(() => {
    for (const child of children) child.kill('SIGKILL')
  })
}

/** A `sluice` on its way. Owned by the test that started it. */
export class RunningCli {
  readonly child: ChildProcess
  /** Once it has ended and its output is read. */
  readonly result: Promise<CliResult>
  stdout = ''
  stderr = ''

  constructor(child: ChildProcess) {
    this.child = child
    const { stdout, stderr } = child
    if (stdout === null || stderr === null) throw new Error('the child has no pipes')
    stdout.setEncoding('utf8').on('data', (part: string) => {
      this.stdout += part
    })
    stderr.setEncoding('utf8').on('data', (part: string) => {
      this.stderr += part
    })
    this.result = new Promise((resolve) => {
      child.once('close', (code) => resolve({ stdout: this.stdout, stderr: this.stderr, code }))
    })
  }

  /** Waits for a match of what stdout has said so far. */
  async said(pattern: RegExp): Promise<RegExpExecArray> {
    let match: RegExpExecArray | null = null
    const holds = () => {
      match = pattern.exec(this.stdout)
      return match !== null
    }
    await eventually(holds, `it never said ${pattern}, only: ${this.stdout}`)
    return match as unknown as RegExpExecArray
  }
}
