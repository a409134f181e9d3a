import { execFileSync } from 'node:child_process'
import path from 'node:path'
import { startProgram } from '../program.js'
import type { StartedWorker } from './started.js'

/** Networks of their own for workers, as machines have them. Linux, for root. */

const names = [1, 2].map((i) => `sluice-test-${process.pid}-${i}`)

export function ip(...args: string[]): void {
  execFileSync('ip', args, { stdio: 'pipe' })
}

/** Why there can be none, in words; undefined where there can. */
export function whyNoNamespaces(): string | undefined {
  if (process.platform !== 'linux') return 'only Linux has network namespaces'
  if (process.getuid?.() !== 0) return 'only root may make network namespaces'
  const name = `${names[0]}-try`
  try {
    ip('netns', 'add', name)
    ip('netns', 'del', name)
    return undefined
  } catch (error) {
    const [line = ''] = String((error as { stderr?: Buffer }).stderr ?? error).split('\n')
    return `no network namespace can be made here: ${line}`
  }
}

/** Two of them, each joined with this one by a cable. */
export function makeNamespaces(): void {
  for (const [i, name] of names.entries()) {
    ip('netns', 'add', name)
    ip('link', 'add', cable(i), 'type', 'veth', 'peer', 'name', 'eth0', 'netns', name)
    ip('addr', 'add', `${ownAddress(i)}/30`, 'dev', cable(i))
    ip('link', 'set', cable(i), 'up')
    ip('-n', name, 'addr', 'add', `${addressOf(i)}/30`, 'dev', 'eth0')
    ip('-n', name, 'link', 'set', 'eth0', 'up')
    ip('-n', name, 'link', 'set', 'lo', 'up')
  }
}

export function removeNamespaces(): void {
  for (const name of names) ip('netns', 'del', name)
}

/** Whether what is sent arrives. Pulled, neither side hears of it. */
export function setCable(i: number, isIn: boolean): void {
  ip('link', 'set', cable(i), isIn ? 'up' : 'down')
}

/** `sluice worker` in the namespace. */
export async function startWorkerIn(
  i: number,
  args: readonly string[] = [],
): Promise<StartedWorker> {
  const main = path.resolve('dist/cli/main.cjs')
  const open = ['--host', addressOf(i), '--trusted-network', '--threads', '1']
  const command = [process.execPath, main, 'worker', ...open, ...args]
  const cli = startProgram('ip', ['netns', 'exec', names[i] as string, ...command])
  const [, name = ''] = await cli.said(/serves devices at (\S+) /)
  return { cli, name }
}

const cable = (i: number) => `slt${process.pid}-${i}` // 15 characters at most
const ownAddress = (i: number) => `10.213.7.${4 * i + 1}`
const addressOf = (i: number) => `10.213.7.${4 * i + 2}`
