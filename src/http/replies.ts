import type { ReplyPart } from '../api/types.js'
import type { Reply } from '../engine/reply.js'
import { ApiError } from '../openai/errors.js'
import type { App } from './app.js'
import { EngineWatch } from './engine-watch.js'
import type { Exchange } from './exchange.js'
import type { ScopedEngine } from './scoped-engine.js'
import { SseWriter } from './sse-writer.js'

/** What every handler does that waits for a reply. */

export type Watch = Pick<EngineWatch, 'pause'>

/** Runs what waits for the engine, and ends the exchange if the engine stands still meanwhile. */
export async function watched(
  app: App,
  exchange: Exchange,
  engine: ScopedEngine,
  run: (watch: Watch) => Promise<void>,
): Promise<void> {
  const stalled = () => exchange.abort(engineStalled())
  const watch = new EngineWatch(engine, app.settings.engineStallMs, stalled)
  try {
    await run(watch)
  } finally {
    watch.stop()
  }
}

/** The writer of an exchange that is answered by a stream. */
export function streamWriter({ settings, sendBuffer }: App, exchange: Exchange): SseWriter {
  sendBuffer.apply(exchange.req.socket)
  const writer = new SseWriter(exchange.res, { pingMs: settings.pingMs })
  exchange.stream = writer
  return writer
}

/**
 * Sends a reply's parts, each as the frame that `frameOf` makes of it; '' sends nothing. Taking a
 * part is what lets the engine go on: no part is taken before the last one has room.
 */
export async function sendParts(
  { signal }: Exchange,
  writer: SseWriter,
  reply: Reply,
  watch: Watch,
  frameOf: (part: ReplyPart) => string,
): Promise<void> {
  for await (const part of reply) {
    const frame = frameOf(part)
    if (frame === '' || writer.write(frame)) continue
    await watch.pause(writer.drain(signal))
  }
}

/**
 * Runs something for each reply, all at once. Where one fails the others are cancelled, and the
 * first failure is thrown once all have ended, so that nobody writes after it.
 */
export async function together(
  replies: readonly Reply[],
  run: (reply: Reply, index: number) => Promise<void>,
): Promise<void> {
  const failures: unknown[] = []
  const runOne = async (reply: Reply, index: number) => {
    try {
      await run(reply, index)
    } catch (error) {
      failures.push(error)
      for (const one of replies) one.cancel()
    }
  }
  await Promise.all(replies.map(runOne))
  if (failures.length > 0) throw failures[0]
}

function engineStalled(): ApiError {
  return new ApiError('engine_stalled', 'The engine stands still; the reply was given up.')
}
