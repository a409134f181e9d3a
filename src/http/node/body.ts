import type { IncomingMessage, ServerResponse } from 'node:http'
import { types } from 'node:util'
import type { CallHeaders } from '../../web/call.js'
import { HttpError } from '../../web/errors.js'
import { tooDeep } from '../../web/json.js'
import {
  ArrivingBody,
  type BodyLimits,
  checkForm,
  checkMedia,
  checkUnread,
  tooSlow,
} from '../door/body.js'
import type { Handed } from './mounted.js'

/** A request whose body may be read. */
interface ReadableRequest extends Handed {
  /** Fires when the body is not wanted any more: the client has left, or the call has ended. */
  readonly signal: AbortSignal
}

/**
 * The body of a JSON request: what a body parser before us has left at `req.body`, else what is
 * read here, counted and by a deadline. Throws a 400 at once where its bytes are gone.
 */
export function readBody(request: ReadableRequest, limits: BodyLimits): Promise<Buffer> {
  const { req, res } = request
  checkMedia(req.headers as CallHeaders)
  if (isTouched(req)) return Promise.resolve(bodyReadBefore(request, limits))
  checkUnread(req.headers as CallHeaders, limits)
  letContinue(req, res)
  return readAll(request, limits)
}

function readAll({ req, signal }: ReadableRequest, limits: BodyLimits): Promise<Buffer> {
  const body = new ArrivingBody(limits, signal)
  return new Promise((resolve, reject) => {
    // A string where other code has called setEncoding().
    const onData = (data: Buffer | string) => {
      try {
        body.add(
          typeof data === 'string' ? Buffer.from(data, req.readableEncoding ?? 'utf8') : data,
        )
      } catch (error) {
        settle(() => reject(error))
      }
    }
    const onEnd = () => settle(() => resolve(body.whole()))
    const onCut = () => settle(() => reject(signal.aborted ? signal.reason : isGone()))
    const onLate = () => settle(() => reject(tooSlow()))
    const timer = setTimeout(onLate, limits.settings.requestTimeoutMs)
    const settle = (how: () => void) => {
      clearTimeout(timer)
      req.off('data', onData).off('end', onEnd).off('close', onCut).off('error', onCut)
      signal.removeEventListener('abort', onCut)
      how()
    }
    req.on('data', onData).on('end', onEnd).on('close', onCut).on('error', onCut)
    signal.addEventListener('abort', onCut)
    if (signal.aborted) onCut()
    else req.resume() // other code may have paused it
  })
}

/** Whether other code has taken some of the body, or is about to. */
function isTouched(req: IncomingMessage): boolean {
  const { readableDidRead, readableEnded, destroyed } = req
  return readableDidRead || readableEnded || destroyed || req.listenerCount('readable') > 0
}

/**
 * A body that a body parser before us has read, as bytes: it passes the same checks as any other.
 * Only its decoding was the parser's.
 */
function bodyReadBefore({ req, body, signal }: ReadableRequest, limits: BodyLimits): Buffer {
  const bytes = bytesOf(body)
  // body-parser says {} for what it did not read.
  const isMadeUp = !req.readableEnded && bytes?.toString() === '{}'
  if (bytes === undefined || isMadeUp) {
    if (isEmpty(req)) return Buffer.alloc(0)
    throw isGone()
  }
  checkForm(body)
  const arrived = new ArrivingBody(limits, signal)
  arrived.add(bytes)
  return arrived.whole()
}

function bytesOf(body: unknown): Buffer | undefined {
  if (typeof body === 'string') return Buffer.from(body)
  if (types.isUint8Array(body)) return Buffer.from(body.buffer, body.byteOffset, body.length)
  if (typeof body === 'function' || isStream(body)) return undefined
  try {
    const json: string | undefined = JSON.stringify(body)
    return json === undefined ? undefined : Buffer.from(json)
  } catch (error) {
    if (error instanceof RangeError) throw tooDeep() // deeper than the stack
    return undefined // circular, or a BigInt: no value of JSON
  }
}

function isStream(value: unknown): boolean {
  return typeof value === 'object' && value !== null && ('getReader' in value || 'pipe' in value)
}

function isEmpty(req: IncomingMessage): boolean {
  return req.headers['transfer-encoding'] === undefined && lengthOf(req) === 0
}

function lengthOf({ headers }: IncomingMessage): number {
  return Number(headers['content-length'] ?? 0)
}

function isGone(): HttpError {
  return new HttpError(
    'body_read',
    "The request's body was read before it got here, and is not at req.body. For the server's " +
      'owner: put this listener before what parses bodies, or set req.body to what was parsed.',
  )
}

/**
 * Requests with `Expect: 100-continue`, whose clients hold the body back until told to go on. A
 * request that is refused at the door then never sends it, and Node closes its connection.
 */
const deferred = new WeakSet<IncomingMessage>()

/** Those with any other Expect, which Node would answer by itself. */
const unmet = new WeakSet<IncomingMessage>()

export function deferContinue(req: IncomingMessage): void {
  deferred.add(req)
}

function letContinue(req: IncomingMessage, res: ServerResponse): void {
  if (deferred.delete(req)) res.writeContinue()
}

export function refuseExpectation(req: IncomingMessage): void {
  unmet.add(req)
}

/** Whether it has an Expect header that this server does not meet. */
export function isUnmet(req: IncomingMessage): boolean {
  return unmet.has(req)
}
