import type { IncomingMessage } from 'node:http'
import { ApiError } from '../openai/errors.js'
import { letContinue } from './continue.js'
import type { Exchange } from './exchange.js'

/** The body of a JSON request, counted while it is read. */
export function readBody({ req, res, signal }: Exchange, bytesMax: number): Promise<Buffer> {
  checkMedia(req)
  if (Number(req.headers['content-length'] ?? 0) > bytesMax) throw tooLarge(bytesMax)
  letContinue(req, res)
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    let bytes = 0
    const onData = (chunk: Buffer) => {
      bytes += chunk.length
      chunks.push(chunk)
      if (bytes > bytesMax) settle(() => reject(tooLarge(bytesMax)))
    }
    const onEnd = () => settle(() => resolve(Buffer.concat(chunks)))
    const onAbort = () => settle(() => reject(signal.reason))
    const settle = (how: () => void) => {
      req.off('data', onData)
      req.off('end', onEnd)
      signal.removeEventListener('abort', onAbort)
      how()
    }
    req.on('data', onData)
    req.on('end', onEnd)
    signal.addEventListener('abort', onAbort)
  })
}

function checkMedia({ headers }: IncomingMessage): void {
  const [type = '', ...parameters] = (headers['content-type'] ?? '').toLowerCase().split(';')
  const charset = parameters.map((one) => one.trim()).find((one) => one.startsWith('charset='))
  const isUtf8 = charset === undefined || /^charset="?utf-8"?$/.test(charset)
  if (type.trim() !== 'application/json' || !isUtf8) {
    throw new ApiError('media_type', 'Expected the header Content-Type: application/json.')
  }
  const encoding = headers['content-encoding']
  if (encoding !== undefined && encoding.toLowerCase() !== 'identity') {
    throw new ApiError('media_type', 'Expected a body without Content-Encoding; send it plain.')
  }
}

function tooLarge(bytesMax: number): ApiError {
  return new ApiError('body_size', `Expected a body of at most ${bytesMax} bytes; it is larger.`)
}
