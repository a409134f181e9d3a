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

/** A port that was free a moment ago, for programs that must be told one. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer().once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      const port = typeof address === 'object' && address !== null ? address.port : 0
      server.close(() => resolve(port))
    })
  })
}
