import type { Server } from 'node:http'
import { createServer, Server as HttpsServer, type ServerOptions } from 'node:https'
import type { ServerSettings, Tls } from '../options.js'

/** A server of Node's that speaks TLS. A handshake counts as the headers that it comes before. */
export function tlsServer(
  options: ServerOptions,
  tls: Tls,
  { headersTimeoutMs }: ServerSettings,
): HttpsServer {
  return createServer({ ...options, ...pemOf(tls), handshakeTimeout: headersTimeoutMs })
}

/** Connections from now on have this certificate. Those that are there keep theirs. */
export function useCertificate(server: Server | HttpsServer, tls: Tls): void {
  if (server instanceof HttpsServer) server.setSecureContext(pemOf(tls))
}

function pemOf({ cert, key }: Tls): { cert: string | Buffer; key: string | Buffer } {
  const asNode = (pem: string | Uint8Array) => (typeof pem === 'string' ? pem : Buffer.from(pem))
  return { cert: asNode(cert), key: asNode(key) }
}
