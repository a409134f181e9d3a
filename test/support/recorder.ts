import type { IncomingMessage, Server, ServerResponse } from 'node:http'

/** One request and its answer, as they crossed the wire. */
export interface Recorded {
  readonly method: string
  readonly url: string
  request: string
  status: number
  answer: string
  isEnded: boolean
}

/** Reads along with all that a server is sent and sends, in the order of the requests' headers. */
export function recordExchanges(server: Server): Recorded[] {
  const all: Recorded[] = []
  server.prependListener('request', (req: IncomingMessage, res: ServerResponse) => {
    const { method = '', url = '' } = req
    const one = { method, url, request: '', status: 0, answer: '', isEnded: false }
    all.push(one)
    // Not a listener for 'data', which would let it flow before the server is ready for it.
    readAlong(req, 'push', (chunk) => {
      one.request += chunk
    })
    for (const name of ['write', 'end'] as const) {
      readAlong(res, name, (chunk) => {
        one.answer += chunk
      })
    }
    res.once('close', () => {
      one.status = res.headersSent ? res.statusCode : 0
      one.isEnded = res.writableFinished
    })
  })
  return all
}

type Method = 'push' | 'write' | 'end'

function readAlong(stream: object, name: Method, take: (chunk: string) => void): void {
  const target = stream as Record<Method, (...args: unknown[]) => unknown>
  const original = target[name]
  target[name] = (...args) => {
    const [chunk] = args
    if (typeof chunk === 'string' || Buffer.isBuffer(chunk)) take(chunk.toString())
    return Reflect.apply(original, stream, args)
  }
}
