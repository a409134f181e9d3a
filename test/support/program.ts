import { spawn } from 'node:child_process'
import { createServer } from 'node:net'
import { afterEach } from 'vitest'
import { RunningCli } from './cli.js'

/**
 * Node 22.12 says so on stderr of each require() that takes an ES module; others do not, or not of
 * those in node_modules.
 */
export const requireWarning = /^(.*ExperimentalWarning: CommonJS module .*\nSupport .*\n(.*\n)?)?$/

const running = new Set<RunningCli>()

export interface ProgramOptions {
  env?: Record<string, string>
  cwd?: string
  /** It is there for several tests: the caller ends it. Default false. */
  outlives?: boolean
}

/** A program on its way, without what this process's SLUICE_ variables would tell it. */
export function startProgram(
  command: string,
  args: readonly string[],
  { env = {}, cwd, outlives = false }: ProgramOptions = {},
): RunningCli {
  const clean = Object.entries(process.env).filter(([name]) => !name.startsWith('SLUICE_'))
  const child = spawn(command, args, {
    env: { ...Object.fromEntries(clean), NO_COLOR: '1', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    ...(cwd === undefined ? {} : { cwd }),
  })
  const program = new RunningCli(child)
  if (!outlives) running.add(program)
  child.once('exit', () => running.delete(program))
  return program
}

// What a failed test left running, in each file that imports this.
afterEach(() => {
  for (const { child } of running) child.kill('SIGKILL')
})

/** Below those that systems give to whoever wants any. */
const portsFrom = 20_000
/** Of each process that runs tests: none takes another's, or looks at it. */
const portsOfEach = 500
const processes = 24

/** A port that was free a moment ago: for a program that is told one, or where nobody listens. */
export async function freePort(): Promise<number> {
  const from = portsFrom + (Number(process.env.VITEST_POOL_ID ?? 0) % processes) * portsOfEach
  for (;;) {
    const port = from + Math.floor(Math.random() * portsOfEach)
    if (await isFree(port)) return port
  }
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer().once('error', () => resolve(false))
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
  })
}
