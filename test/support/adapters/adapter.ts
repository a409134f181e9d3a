import { createServer as createHttpServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import {
  type Address,
  createServer as createSluiceServer,
  type DrainOptions,
  type FetchHandler,
  fetchHandler,
  type ListenerOptions,
  type RequestListener,
  type ServerOptions,
  type SluiceServer,
  requestListener as sluiceListener,
} from '../../../src/http/index.js'
import { bridge } from './bridge.js'

// What a test's server is made of. The tests of HTTP run twice: with the adapter for node:http, and
// in the project `fetch` with the web-standard one behind a bridge.

/** A server, as far as tests use it. */
export type TestServer = Pick<SluiceServer, 'server' | 'listen' | 'drain' | 'close'>

let isFetch = false

/** For the tests of this file: see over-fetch.ts. */
export function useFetchHandler(): void {
  isFetch = true
}

export function createServer(options: ServerOptions): TestServer {
  return isFetch ? new BridgedServer(options) : createSluiceServer(options)
}

export function requestListener(options: ListenerOptions): RequestListener {
  if (!isFetch) return sluiceListener(options)
  const handler = fetchHandler(ofHandler(options))
  return Object.assign(bridge(handler) as RequestListener, { drain: handler.drain })
}

/** A server of Node's with a handler behind it: what belongs to a server is set as ours has it. */
class BridgedServer implements TestServer {
  readonly server: Server
  readonly #handler: FetchHandler
  readonly #port: number

  constructor(options: ServerOptions) {
    this.#handler = fetchHandler(ofHandler(options))
    this.#port = Number(options.port)
    this.server = createHttpServer(
      {
        keepAliveTimeout: 65_000,
        highWaterMark: options.writeBufferBytes ?? 2 * 1024,
        requireHostHeader: false,
      },
      bridge(this.#handler),
    )
  }

  async listen(): Promise<Address> {
    await new Promise<void>((resolve) => this.server.listen(this.#port, '127.0.0.1', resolve))
    const { port } = this.server.address() as AddressInfo
    return { host: '127.0.0.1', port, url: `http://127.0.0.1:${port}` }
  }

  async drain(options?: DrainOptions): Promise<void> {
    await this.#handler.drain(options)
    await new Promise<void>((resolve) => {
      this.server.close(() => resolve())
      this.server.closeIdleConnections()
      setTimeout(() => this.server.closeAllConnections(), 1000).unref()
    })
  }

  async close(): Promise<void> {
    await this.#handler.close()
    this.server.closeAllConnections()
    this.server.close()
  }
}

/** What a server's options say to a handler: no more than a handler has. */
function ofHandler(options: ServerOptions) {
  const {
    port,
    host,
    allowUnauthenticated,
    connectionsMax,
    headersTimeoutMs,
    keepAliveMs,
    headerBytesMax,
    writeBufferBytes,
    tls,
    sendBufferBytes,
    ...own
  } = options
  return own
}
