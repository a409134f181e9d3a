import fs from 'node:fs'
import { type RunningCli, startCli } from '../cli.js'
import { eventually } from '../eventually.js'
import { failingAddon } from '../failing-addon.js'
import { randomModel } from '../models/random-model.js'

/** `sluice serve --isolation process`, and its engine's process. Linux. */
export interface Isolated {
  readonly cli: RunningCli
  readonly url: string
}

interface StartOptions {
  /** As SLUICE_TEST_FAULT has it; default: the addon is ours. */
  readonly fault?: string
  readonly model?: string
}

export async function startIsolated(
  args: readonly string[] = [],
  { fault, model = randomModel({ weights: 'q8_0' }) }: StartOptions = {},
): Promise<Isolated> {
  const command = ['serve', '--isolation', 'process', '--port', '0', '--model', model, ...args]
  const env = fault === undefined ? {} : failingAddon(fault)
  const cli = startCli(command, { env })
  const [, url = ''] = await cli.said(/Listening on (http:\S+)\. Try:/)
  return { cli, url }
}

/** The processes that a process has started and that have not ended. */
export function childrenOf(pid: number): number[] {
  const text = fs.readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8')
  return text
    .split(' ')
    .filter((word) => word.trim() !== '')
    .map(Number)
    .filter(isAlive)
}

/** Neither gone nor a zombie. */
export function isAlive(pid: number): boolean {
  try {
    return !/^State:\s+[ZX]/m.test(fs.readFileSync(`/proc/${pid}/status`, 'utf8'))
  } catch {
    return false
  }
}

/** The engine's process: another one than `last`. */
export async function engineProcess({ cli }: Isolated, last?: number): Promise<number> {
  let found: number | undefined
  await eventually(() => {
    const pids = childrenOf(cli.child.pid as number)
    found = pids.find((pid) => pid !== last)
    return found !== undefined
  }, 'no process of an engine was started')
  return found as number
}

/** Until it says so. */
export async function healthy({ url }: Isolated): Promise<void> {
  const isHealthy = async () => (await fetch(`${url}/health`)).status === 200
  await eventually(isHealthy, '/health still says that it is not')
}
