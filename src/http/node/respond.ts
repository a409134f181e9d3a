import type { IncomingMessage, ServerResponse } from 'node:http'
import type { WholeAnswer } from '../../web/answer.js'
import { widenSendBuffer } from './send-buffer.js'

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
