import type { Socket } from 'node:net'

/** Looks per deadline: a stall is seen at most a quarter late. */
const looks = 4

/**
 * Calls `onStall` once bytes have waited for the reader for `stallMs` and the kernel took none of
 * them. Node has no such timeout: socket.setTimeout counts our own writes as life. Returns what
 * ends the watch.
 */
export function watchReader(socket: Socket, stallMs: number, onStall: () => void): () => void {
  let taken = bytesTaken(socket)
  let still = 0
  const timer = setInterval(() => {
    const now = bytesTaken(socket)
    still = socket.writableLength > 0 && now === taken ? still + 1 : 0
    taken = now
    if (still < looks && !socket.destroyed) return
    clearInterval(timer)
    if (!socket.destroyed) onStall()
  }, stallMs / looks)
  timer.unref()
  return () => clearInterval(timer)
}

/** Bytes that the kernel took. Its handle counts within a write; without it whole writes count. */
function bytesTaken(socket: Socket): number {
  const { _handle: handle } = socket as Socket & {
    _handle?: { bytesWritten?: number; writeQueueSize?: number } | null
  }
  const { bytesWritten, writeQueueSize } = handle ?? {}
  if (bytesWritten !== undefined && writeQueueSize !== undefined) {
    return bytesWritten - writeQueueSize
  }
  return socket.bytesWritten - socket.writableLength
}
