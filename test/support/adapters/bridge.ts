import type { IncomingMessage, ServerResponse } from 'node:http'
import { Readable } from 'node:stream'

/** A function from a Request to its Response, with what a host hands over beside it. */
type Handle = (request: Request, host: object) => Promise<Response>

/**
 * A host of web-standard handlers on node:http, as small as one can be: it passes on what comes, as
 * fast as it is taken, and the client's leaving in both of the ways that hosts have.
 */
export function bridge(handle: Handle): (req: IncomingMessage, res: ServerResponse) => void {
  return (req, res) => {
    pass(handle, req, res).catch(() => res.destroy())
  }
}

async function pass(handle: Handle, req: IncomingMessage, res: ServerResponse): Promise<void> {
  const gone = new AbortController()
  const leave = () => {
    if (!res.writableFinished) gone.abort()
  }
  // With unread bytes in the way, the client's FIN is the socket's 'end' only. A response that
  // waits behind another one never closes.
  req.socket.on('end', leave).on('close', leave)
  res.on('close', () => {
    req.socket.off('end', leave).off('close', leave)
    leave()
  })
  const env = { incoming: req, outgoing: res }
  await send(await handle(requestOf(req, gone.signal), env), res, gone.signal)
}

function requestOf(req: IncomingMessage, signal: AbortSignal): Request {
  const { method = 'GET', url = '' } = req
  const headers = new Headers()
  for (let i = 0; i < req.rawHeaders.length; i += 2) {
    headers.append(req.rawHeaders[i] ?? '', req.rawHeaders[i + 1] ?? '')
  }
  const hasBody = method !== 'GET' && method !== 'HEAD'
  const body = hasBody ? (Readable.toWeb(req) as ReadableStream) : null
  const init: RequestInit = { method, headers, body, signal, duplex: 'half' }
  return new Request(url.startsWith('/') ? `http://localhost${url}` : url, init)
}

async function send(response: Response, res: ServerResponse, gone: AbortSignal): Promise<void> {
  if (gone.aborted) return void (await response.body?.cancel())
  for (const [name, value] of response.headers) res.setHeader(name, value)
  res.writeHead(response.status)
  if (response.body === null) return void res.end()
  if (!response.headers.has('content-length')) res.flushHeaders()
  const reader = response.body.getReader()
  const cancel = () => void reader.cancel().catch(() => undefined) // it has failed already
  gone.addEventListener('abort', cancel)
  for (;;) {
    const { done, value } = await reader.read()
    if (done) break
    if (!res.write(Buffer.from(value)) && !gone.aborted) await drained(res, gone)
  }
  gone.removeEventListener('abort', cancel)
  if (gone.aborted) res.destroy()
  else res.end()
}

function drained(res: ServerResponse, gone: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const settle = () => {
      res.off('drain', settle)
      gone.removeEventListener('abort', settle)
      resolve()
    }
    res.on('drain', settle)
    gone.addEventListener('abort', settle)
  })
}
