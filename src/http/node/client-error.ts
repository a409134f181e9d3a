import { type IncomingMessage, STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { type CallHeaders, newRequestId, requestIdOf } from '../../web/call.js'
import { HttpError } from '../../web/errors.js'
import type { App } from '../app.js'
import { tooSlow } from '../door/body.js'
import { connectionOf, otherVersion } from './connection.js'

/** How long a connection whose request could not be read stays for its answer to be read. */
const lingerMs = 1000

/** What Node says of a connection that ended, and not of bytes that came. */
const leaving = new Set<string | undefined>(['ECONNRESET', 'EPIPE', 'ERR_STREAM_PREMATURE_CLOSE'])

/** Whether it ended or broke: the system's errors have a number, such as that of ETIMEDOUT. */
function isLeaving({ code, errno }: NodeJS.ErrnoException): boolean {
  return errno !== undefined || leaving.has(code)
}

/**
 * Answers what Node's parser or its timeouts refuse, as everything else is answered: with an id,
 * a body of OpenAI's form, a line in the log and a count.
 */
export function onClientError(app: App, error: NodeJS.ErrnoException, socket: Socket): void {
  if (!socket.writable || isLeaving(error)) {
    socket.destroy()
    return
  }
  const connection = connectionOf(socket)
  if (connection.isRefused) return // more of the same
  connection.isRefused = true
  const refusal = refusalOf(error.code)
  const { last } = connection
  if (last !== undefined && !last.req.complete) {
    // The rest of a request that has an exchange: it answers, unless it has done so.
    const isLeft = error.code === 'HPE_INVALID_EOF_STATE'
    if (isLeft || !connection.has(last) || last.res.headersSent) socket.destroy()
    else {
      last.res.setHeader('connection', 'close')
      last.abort(refusal)
    }
    return
  }
  // Something new that is no request: those before it are answered first.
  connection.whenEmpty(() => refuse(app, socket, refusal))
}

/** There is nothing to tunnel to. Node would close the connection without a word. */
export function onConnect(app: App, req: IncomingMessage, socket: Duplex): void {
  const connection = connectionOf(socket as Socket)
  connection.isRefused = true
  socket.on('error', () => undefined) // Node has let go of it, and no client is there to be told
  socket.resume()
  const refusal = new HttpError('method', 'Expected a request to this server; it is no proxy.')
  connection.whenEmpty(() => refuse(app, socket as Socket, refusal, req))
}

function refuse(app: App, socket: Socket, error: HttpError, req?: IncomingMessage): void {
  const requestId = req === undefined ? newRequestId() : requestIdOf(req.headers as CallHeaders)
  const isSent = socket.writable
  if (isSent) {
    const allow = error.kind === 'method' ? ['allow: GET, HEAD, POST'] : []
    socket.end(rawResponse(app, error, requestId, allow))
    setTimeout(() => socket.destroy(), lingerMs).unref()
  }
  app.tell({
    requestId,
    method: req?.method ?? '',
    route: undefined,
    status: isSent ? error.status : 0,
    outcome: 'failed',
    code: error.code,
    durationMs: performance.now() - connectionOf(socket).idleSince,
    promptTokens: undefined,
    completionTokens: undefined,
    error: undefined,
  })
}

function refusalOf(code: string | undefined): HttpError {
  switch (code) {
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return tooSlow()
    case 'HPE_HEADER_OVERFLOW':
      return new HttpError(
        'header_size',
        "The request's headers are larger than this server takes.",
      )
    case 'HPE_CHUNK_EXTENSIONS_OVERFLOW':
      return new HttpError('body_size', 'Expected chunks with less beside their sizes.')
    case 'HPE_INVALID_VERSION':
      return otherVersion()
    default:
      return new HttpError(
        'invalid_request',
        'Expected an HTTP/1.1 request; it cannot be read as one.',
      )
  }
}

function rawResponse(
  app: App,
  error: HttpError,
  requestId: string,
  headers: readonly string[],
): string {
  const body = JSON.stringify(app.errorWords.body(error, requestId))
  return [
    `HTTP/1.1 ${error.status} ${STATUS_CODES[error.status]}`,
    `x-request-id: ${requestId}`,
    ...headers,
    'content-type: application/json; charset=utf-8',
    `content-length: ${Buffer.byteLength(body)}`,
    'connection: close',
    '',
    body,
  ].join('\r\n')
}
