import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

setFlagsFromString('--expose-gc')
/** Of all that nothing reaches any more, in this thread. */
export const collectGarbage: () => void = runInNewContext('gc')

/** What this process holds: bytes. */
export interface OwnMemory {
  /** Objects of JavaScript and the content of its buffers, after a full collection. */
  readonly javaScript: number
  /** Resident outside of V8's heap: what V8 has for objects to come goes up and down by itself. */
  readonly native: number
}

export function ownMemory(): OwnMemory {
  // First: what V8 gives back after a collection it gives back late.
  const { rss, heapTotal } = process.memoryUsage()
  collectGarbage()
  collectGarbage() // what the first one's finalizers let go
  const { heapUsed, arrayBuffers } = process.memoryUsage()
  return { javaScript: heapUsed + arrayBuffers, native: rss - heapTotal }
}
