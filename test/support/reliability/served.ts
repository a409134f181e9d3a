import type { RunningCli } from '../cli.js'
import { eventually } from '../eventually.js'
import { childrenOf } from '../isolated/served.js'
import { startProgram } from '../program.js'

/** A real `sluice serve`, and what it is made to live with. Linux. */
export interface Served {
  readonly cli: RunningCli
  readonly url: string
  readonly port: number
  /** Of the server's own process. */
  readonly pid: number
}

export interface ServeOptions {
  /** A line of the shell that starts it as "$@", such as `ulimit -n 64; exec "$@"`. */
  readonly under?: string
  readonly env?: Record<string, string>
}

/** `sluice serve`, on its way. */
export function startServe(
  args: readonly string[],
  { under = 'exec "$@"', env = {} }: ServeOptions = {},
): RunningCli {
  const command = [process.execPath, 'dist/cli/main.cjs', 'serve', ...args]
  return startProgram('sh', ['-c', under, 'sh', ...command], { env })
}

/** The same once it listens and serves. */
export async function serve(args: readonly string[], options: ServeOptions = {}): Promise<Served> {
  const cli = startServe(['--port', '0', ...args], options)
  const [, url = ''] = await cli.said(/^(?:Listening on| ) (https?:\S+?)\.?(?: Try.*)?$/m)
  return { cli, url, port: Number(new URL(url).port), pid: cli.child.pid as number }
}

/** The processes of its engines. */
export function engineProcesses({ pid }: Pick<Served, 'pid'>): number[] {
  return childrenOf(pid)
}

/** Until it serves, or has ended: whichever comes. */
export async function servesOrEnds(cli: RunningCli): Promise<'serves' | 'ends'> {
  const { child } = cli
  const serves = () => /^Listening on/m.test(cli.stdout)
  const hasEnded = () => child.exitCode !== null || child.signalCode !== null
  await eventually(() => serves() || hasEnded(), 'it neither serves nor ends', 60_000)
  return serves() ? 'serves' : 'ends'
}
