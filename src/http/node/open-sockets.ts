import type { Server, Socket } from 'node:net'

/**
 * A server's connections, to be ended with it. Node has a list of them for HTTP alone, and over TLS
 * that has none whose handshake is not done: closing the server would wait for these.
 */
export class OpenSockets {
  readonly #open = new Set<Socket>()

  constructor(server: Server) {
    server.on('connection', (socket) => {
      this.#open.add(socket)
      socket.on('close', () => this.#open.delete(socket))
    })
  }

  destroy(): void {
    for (const socket of this.#open) socket.destroy()
  }
}
