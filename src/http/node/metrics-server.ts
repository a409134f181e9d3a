import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { surface } from '../../engine/surface.js'
import { HttpError } from '../../web/errors.js'
import { targetOf } from '../../web/target.js'
import type { App } from '../app.js'
import { checkHost, checkOrigin } from '../door/origin.js'
import type { ServerSettings } from '../options.js'
import { connectionsBeside } from './connections-max.js'

type Settings = Pick<ServerSettings, 'host' | 'allowHosts' | 'headersTimeoutMs' | 'keepAliveMs'>

const connectionsMax = 64
const headerBytesMax = 8 * 1024
const plain = { 'content-type': 'text/plain; charset=utf-8' }

/**
 * GET /metrics alone, on a port of its own, for scrapers that have no key and ask many times a
 * second. These requests are neither logged nor counted.
 */
export function metricsServer(app: App, settings: Settings): Server {
  const { headersTimeoutMs, keepAliveMs } = settings
  const server = createServer(
    {
      headersTimeout: headersTimeoutMs,
      requestTimeout: headersTimeoutMs,
      keepAliveTimeout: keepAliveMs,
      maxHeaderSize: headerBytesMax,
    },
    (req, res) => {
      answer(app, settings, req, res).catch((error: unknown) => {
        res.destroy()
        surface(error)
      })
    },
  )
  server.maxConnections = connectionsBeside(connectionsMax)
  return server
}

async function answer(
  { metrics }: App,
  settings: Settings,
  req: IncomingMessage,
  res: ServerResponse,
): Promise<void> {
  const refusal = refusalOf(req, settings)
  req.resume() // a body is of no interest
  if (refusal !== undefined) {
    res.writeHead(refusal.status, plain).end(`${refusal.message}\n`)
    return
  }
  const text = await metrics.text()
  const length = Buffer.byteLength(text)
  res.writeHead(200, { 'content-type': metrics.contentType, 'content-length': length })
  res.end(req.method === 'HEAD' ? undefined : text)
}

interface Refusal {
  readonly status: number
  readonly message: string
}

/** The same rules as at the door of the server itself, but for keys. */
function refusalOf(req: IncomingMessage, { host, allowHosts }: Settings): Refusal | undefined {
  const { localAddress } = req.socket
  const { origin, host: asked } = req.headers
  const headers = { origin, host: asked }
  try {
    checkHost(asked, { allowHosts, host }, { localAddress, remoteAddress: undefined })
    checkOrigin({ headers, answerHeaders: {}, originInFront: undefined }, [])
  } catch (error) {
    if (error instanceof HttpError) return { status: 403, message: error.message }
    throw error
  }
  if (targetOf(req.url ?? '').path !== '/metrics') {
    return { status: 404, message: 'Only GET /metrics is here.' }
  }
  if (req.method === 'GET' || req.method === 'HEAD') return undefined
  return { status: 405, message: `Expected GET at /metrics, but got ${req.method}.` }
}
