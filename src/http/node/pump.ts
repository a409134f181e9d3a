import type { ServerResponse } from 'node:http'
import type { StreamedAnswer } from '../../web/answer.js'

/** Whose answer it is. */
interface Pumped {
  /** Fires when nobody waits for the answer any more. */
  readonly signal: AbortSignal
  /** Waits for the reader, who is not the engine. */
  pause(until: Promise<void>): Promise<void>
}

/**
 * Sends a stream, frame by frame. The next one is asked for only when the last one has room: that
 * is the credit by which the engine goes on. Throws what the frames throw, with the stream begun.
 */
export async function pump(
  res: ServerResponse,
  { status, opening, frames, ping }: StreamedAnswer,
  call: Pumped,
  pingMs: number,
): Promise<void> {
  res.writeHead(status)
  if (opening === '') res.flushHeaders()
  const hasRoom = opening === '' || res.write(opening)
  const silence = setTimeout(() => {
    // To a reader that is behind, a ping would only be more to read.
    if (!res.writableNeedDrain) res.write(ping)
    silence.refresh()
  }, pingMs)
  silence.unref()
  res.once('close', () => clearTimeout(silence))
  try {
    if (!hasRoom) await call.pause(drained(res, call.signal))
    for (;;) {
      const { done, value } = await frames.next()
      if (done) return void res.end(value)
      if (value === '') continue
      silence.refresh()
      if (!res.write(value)) await call.pause(drained(res, call.signal))
    }
  } finally {
    clearTimeout(silence)
  }
}

/**
 * Resolves when the reader has caught up, or `signal` fires; never rejects. The signal has to fire
 * when the client leaves: after a close there is no 'drain'.
 */
function drained(res: ServerResponse, signal: AbortSignal): Promise<void> {
  if (!res.writableNeedDrain || signal.aborted) return Promise.resolve()
  return new Promise((resolve) => {
    const settle = () => {
      res.off('drain', settle)
      signal.removeEventListener('abort', settle)
      resolve()
    }
    res.on('drain', settle)
    signal.addEventListener('abort', settle)
  })
}
