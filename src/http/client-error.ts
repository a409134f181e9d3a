import { STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import { ApiError } from '../openai/errors.js'
import { isAnswering } from './connection.js'

/** How long a connection whose request could not be read stays for its answer to be read. */
const lingerMs = 1000

/** Answers what Node's parser or its timeouts refuse, with the same body as everything else. */
export function onClientError(error: NodeJS.ErrnoException, socket: Socket): void {
  if (!socket.writable || error.code === 'ECONNRESET' || isAnswering(socket)) {
    socket.destroy()
    return
  }
  socket.end(rawResponse(apiErrorOf(error.code)))
  setTimeout(() => socket.destroy(), lingerMs).unref()
}

function apiErrorOf(code: string | undefined): ApiError {
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') {
    return new ApiError('request_timeout', 'The request took too long to arrive.')
  }
  if (code === 'HPE_HEADER_OVERFLOW') {
    return new ApiError('header_size', "The request's headers are larger than this server takes.")
  }
  return new ApiError('invalid_request', 'Expected an HTTP/1.1 request; it cannot be read as one.')
}

function rawResponse(error: ApiError): string {
  const body = JSON.stringify(error.body())
  return [
    `HTTP/1.1 ${error.status} ${STATUS_CODES[error.status]}`,
    'content-type: application/json; charset=utf-8',
    `content-length: ${Buffer.byteLength(body)}`,
    'connection: close',
    '',
    body,
  ].join('\r\n')
}
