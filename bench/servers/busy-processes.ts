import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'

/** Until the scheduler of the system has given each of them its share. */
const settleMs = 100

/** Processes that each keep a core busy: an editor that indexes, a build, a browser's tab. */
const alive = new Set<ChildProcess>()
process.on('exit', () => {
  for (const child of alive) child.kill('SIGKILL')
})

/** Runs `use` beside so many of them, and ends them whatever happens. */
export async function besideBusy<T>(count: number, use: () => Promise<T>): Promise<T> {
  const children = Array.from({ length: count }, start)
  try {
    if (count > 0) await sleep(settleMs)
    return await use()
  } finally {
    await Promise.all(children.map(end))
  }
}

function start(): ChildProcess {
  const child = spawn(process.execPath, ['-e', 'for (;;);'], { stdio: 'ignore' })
  alive.add(child)
  return child
}

async function end(child: ChildProcess): Promise<void> {
  const exited = once(child, 'exit')
  child.kill('SIGKILL')
  await exited
  alive.delete(child)
}
