import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { binding } from '../../binding/binding.js'
import { isFirstWorker } from '../../engine/warnings.js'
import type { StreamedAnswer, WholeAnswer } from '../../web/answer.js'
import { descriptorOf } from './connection.js'

/** The call that is answered. */
interface Pumped {
  /** Fires when the answer is not wanted any more: the client has left, or the server ends it. */
  readonly signal: AbortSignal
  /** Waits for the client to read; that time does not count as a standstill of the engine. */
  pause(until: Promise<void>): Promise<void>
}

/**
 * Sends a stream, frame by frame. The next one is asked for only when the last one has room: that
 * is the credit by which the engine goes on. Throws what the frames throw, with the stream begun.
 */
export async function pump(
  res: ServerResponse,
  answer: StreamedAnswer,
  call: Pumped,
  pingMs: number,
): Promise<void> {
  const { frames } = answer
  const hasRoom = open(res, answer)
  const silence = setTimeout(() => {
    // To a reader that is behind, a ping would only be more to read.
    if (!res.writableNeedDrain) res.write(answer.ping())
    silence.refresh()
  }, pingMs)
  silence.unref()
  res.on('close', () => clearTimeout(silence))
  try {
    if (!hasRoom) await call.pause(drained(res, call.signal))
    for (;;) {
      const { done, value } = await frames.next()
      if (done) return void res.end(value)
      if (value === '') continue
      silence.refresh()
      if (!res.write(toSend(value))) await call.pause(drained(res, call.signal))
    }
  } finally {
    clearTimeout(silence)
  }
}

/** Of characters. Those of a token and its text alone are shorter, and cost less as they are. */
const longFrame = 1024
const encoder = new TextEncoder()

/**
 * Long frames as bytes: for a string that waits for its reader Node takes three bytes of memory a
 * character, beside the string.
 */
function toSend(frame: string): string | Uint8Array {
  return frame.length < longFrame ? frame : encoder.encode(frame)
}

/** Sends the headers with the first frames, in one write. Returns whether more has room. */
function open(res: ServerResponse, answer: StreamedAnswer): boolean {
  const opening = answer.opening() // an error in it still has a status
  res.writeHead(answer.status)
  if (opening !== '') return res.write(opening)
  res.flushHeaders()
  return true
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

/** What is left of a request's body up to here, Node reads and drops: the connection stays. */
const dropBytesMax = 1024 * 1024
/** How much, and how long, a larger one is read before its connection is closed. */
const lingerBytesMax = 8 * 1024 * 1024
const lingerMs = 1000

interface Answerable {
  readonly req: IncomingMessage
  readonly res: ServerResponse
}

/** Sends an answer in one piece. Its headers are set already. */
export function sendWhole({ req, res }: Answerable, { status, body: content }: WholeAnswer): void {
  if (content === undefined) {
    res.writeHead(status)
    res.end()
    return
  }
  const body = typeof content === 'string' ? Buffer.from(content) : content
  const isCut = isUnread(req) || endsUnread(req, res)
  widenSendBuffer(res.socket, body.length)
  if (isCut) res.setHeader('connection', 'close')
  res.writeHead(status, { 'content-length': body.length })
  if (isCut) endUnread(req, res, body)
  else res.end(body)
}

/** Whether more of the request may follow than is worth reading for the next one's sake. */
function isUnread(req: IncomingMessage): boolean {
  const { 'content-length': length, 'transfer-encoding': coding } = req.headers
  return !req.complete && (coding !== undefined || Number(length ?? 0) > dropBytesMax)
}

/** Whether the connection ends with this answer, and its request is still on the way. */
function endsUnread(req: IncomingMessage, res: ServerResponse): boolean {
  return !req.complete && res.getHeader('connection') === 'close'
}

/**
 * Sends the whole answer, then reads on for a moment: closing a connection with unread bytes
 * resets it, and a reset can overtake the answer.
 */
function endUnread(req: IncomingMessage, res: ServerResponse, body: Uint8Array): void {
  res.write(body)
  let left = lingerBytesMax
  const end = () => {
    clearTimeout(timer)
    if (!res.writableEnded) res.end()
  }
  const timer = setTimeout(end, lingerMs)
  req.on('data', (chunk: Buffer) => {
    left -= chunk.length
    if (left < 0) end()
  })
  req.once('end', end)
  req.once('close', end)
}

/**
 * For large replies that are no streams: more than any system allows, which then takes its most.
 * With a stream's send buffer 10 MB take seconds, because the sender waits for each part of it.
 */
const wideBytes = 16 * 1024 * 1024
/** Replies up to this go out at once either way. */
const smallBytes = 16 * 1024

/** Connections that carry a stream, or did. */
const narrow = new WeakSet<Socket>()

/**
 * The kernel's send buffer of connections that stream, small so that a reader that stopped does not
 * look as if it kept up. Node has no call for it; the addon has. Where the descriptor cannot be had
 * (Windows, Bun, Deno), it warns once and goes on: such a reader is then noticed some megabytes
 * later. Owned by the listener.
 */
export class StreamSendBuffer {
  readonly #bytes: number
  #hasWarned = false

  /** @param bytes 0 leaves all as the system has it */
  constructor(bytes: number) {
    this.#bytes = bytes
  }

  /** Before a stream begins. */
  apply(socket: Socket): void {
    if (this.#bytes === 0 || this.#hasWarned || narrow.has(socket) || socket.destroyed) return
    try {
      binding().setSendBuffer(descriptorOf(socket), this.#bytes)
      narrow.add(socket)
    } catch (error) {
      this.#hasWarned = true
      if (!isFirstWorker()) return
      process.emitWarning('the send buffer stays as the system set it', {
        code: 'SLUICE_SEND_BUFFER',
        detail: error instanceof Error ? error.message : String(error),
      })
    }
  }
}

/**
 * Before a reply of so many bytes that is no stream, on a connection that streamed before. `socket`
 * is null while the reply waits behind another one: it may be that one's stream.
 */
function widenSendBuffer(socket: Socket | null, bytes: number): void {
  if (socket === null || socket.destroyed || bytes <= smallBytes || !narrow.delete(socket)) return
  binding().setSendBuffer(descriptorOf(socket), wideBytes)
}
