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

/**
 * A port that was free a moment ago, for programs that must be told one, and where nobody listens.
 * It is below those that systems give to whoever wants any: a test that runs beside gets no such.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = 20_000 + Math.floor(Math.random() * 12_000)
    if (await isFree(port)) return port
  }
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer().once('error', () => resolve(false))
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
  })
}
