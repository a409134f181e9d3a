import { setTimeout as sleep } from 'node:timers/promises'
import { PullError } from '../api/errors.js'
import type { PullProgress } from '../api/pull-types.js'
import { reasonOf } from '../api/show.js'

/** The addon's: gives the lock back; null where another has it. Throws where there are no locks. */
export type LockFile = (path: string) => (() => void) | null

interface Waiter {
  readonly lockFile: LockFile
  readonly pollMs: number
  readonly tell: (progress: PullProgress) => void
  readonly signal: AbortSignal
}

/**
 * Waits for a file's lock. The system frees it when its holder ends, however it ends, so none is
 * waited for that is dead.
 * @throws PullError where the file system has no locks
 */
export async function locked(file: string, what: string, waiter: Waiter): Promise<() => void> {
  const { pollMs, tell, signal } = waiter
  let isTold = false
  while (true) {
    const release = attempt(file, waiter.lockFile)
    if (release !== null) return release
    if (!isTold) {
      const message = `another process downloads ${what}`
      tell({ phase: 'waiting', reason: 'lock', ms: null, message })
    }
    isTold = true
    await sleep(pollMs, undefined, { signal })
  }
}

function attempt(file: string, lockFile: LockFile): (() => void) | null {
  try {
    return lockFile(file)
  } catch (cause) {
    throw new PullError(
      'cache',
      `expected a cache whose files can be locked, but got: ${reasonOf(cause)}. Set HF_HUB_CACHE ` +
        'to a folder on a local disk',
      { cause },
    )
  }
}
