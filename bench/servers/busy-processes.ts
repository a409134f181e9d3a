import { setTimeout as sleep } from 'node:timers/promises'
import { endChild, startChild } from './children.js'

/** Until the scheduler of the system has given each of them its share. */
const settleMs = 100

/**
 * Runs `use` beside so many processes that each keep a core busy, as an editor that indexes, a
 * build or a browser's tab does.
 */
export async function besideBusy<T>(count: number, use: () => Promise<T>): Promise<T> {
  const children = Array.from({ length: count }, () => {
    return startChild(process.execPath, ['-e', 'for (;;);'], { stdio: 'ignore' })
  })
  try {
    if (count > 0) await sleep(settleMs)
    return await use()
  } finally {
    await Promise.all(children.map((child) => endChild(child)))
  }
}
