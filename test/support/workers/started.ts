import { type RunningCli, startCli } from '../cli.js'

/** `sluice worker`. Owned by the test that started it. */
export interface StartedWorker {
  readonly cli: RunningCli
  /** host:port */
  readonly name: string
}

export async function startWorker(args: readonly string[] = []): Promise<StartedWorker> {
  const cli = startCli(['worker', '--port', '0', '--threads', '1', ...args])
  const [, name = ''] = await cli.said(/serves devices at (\S+) /)
  return { cli, name }
}
