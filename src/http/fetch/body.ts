import { types } from 'node:util'
import type { CallHeaders } from '../../web/call.js'
import { HttpError } from '../../web/errors.js'
import { ArrivingBody, type BodyLimits, checkMedia, checkUnread, tooSlow } from '../door/body.js'

/** A request whose body may be read. */
interface ReadableRequest {
  readonly request: Request
  readonly headers: CallHeaders
  /** Fires when the body is not wanted any more: the client has left, or the call has ended. */
  readonly signal: AbortSignal
}

/**
 * The body of a JSON request, counted and by a deadline. Throws a 400 where it was read before.
 * @param onGone called where it breaks off; it has to abort the signal
 */
export async function readBody(
  { request, headers, signal }: ReadableRequest,
  limits: BodyLimits,
  onGone: () => void,
): Promise<Uint8Array> {
  checkMedia(headers)
  const { body } = request
  if (request.bodyUsed || body?.locked) throw isUsed()
  checkUnread(headers, limits)
  signal.throwIfAborted()
  const arriving = new ArrivingBody(limits, signal)
  if (body === null) return arriving.whole()
  await readAll(body.getReader(), { arriving, signal, onGone }, limits.settings.requestTimeoutMs)
  return arriving.whole()
}

interface Arrival {
  readonly arriving: ArrivingBody
  readonly signal: AbortSignal
  readonly onGone: () => void
}

/**
 * The rest of a body that is given up stays with its server: where this one cancelled it, some
 * would close the connection before the answer is out.
 */
function readAll(
  reader: ReadableStreamDefaultReader<unknown>,
  { arriving, signal, onGone }: Arrival,
  timeoutMs: number,
): Promise<void> {
  return new Promise((resolve, reject) => {
    let isSettled = false
    const settle = (how: () => void) => {
      if (isSettled) return
      isSettled = true
      clearTimeout(timer)
      signal.removeEventListener('abort', onAbort)
      reader.releaseLock()
      how()
    }
    const onAbort = () => settle(() => reject(signal.reason))
    const timer = setTimeout(() => settle(() => reject(tooSlow())), timeoutMs)
    signal.addEventListener('abort', onAbort)
    const onChunk = ({ done, value }: { done: boolean; value?: unknown }) => {
      if (isSettled) return
      if (done) return settle(resolve)
      try {
        arriving.add(bytesOf(value))
      } catch (error) {
        return settle(() => reject(error))
      }
      next()
    }
    const onBroken = () => {
      if (!isSettled) onGone()
    }
    const next = () => void reader.read().then(onChunk, onBroken)
    next()
  })
}

function bytesOf(chunk: unknown): Uint8Array {
  if (types.isUint8Array(chunk)) return chunk
  throw new HttpError('invalid_request', 'Expected a body of bytes; its stream has other values.')
}

function isUsed(): HttpError {
  return new HttpError(
    'body_read',
    "The request's body was read before it got here (its bodyUsed is true, or its body is " +
      "locked). For the server's owner: read a clone of it, by request.clone(), or hand over a " +
      'new Request with what was read as its body.',
  )
}
