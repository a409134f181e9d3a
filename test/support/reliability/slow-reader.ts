import { once } from 'node:events'
import { connect, type Socket } from 'node:net'

/** A client that takes its answer byte by byte: one each time that it is told to. */
export class SlowReader {
  readonly socket: Socket

  private constructor(socket: Socket) {
    this.socket = socket
    socket.on('error', () => undefined) // a reset by the server
  }

  static async connect(host: string, port: number): Promise<SlowReader> {
    // Without a buffer of its own Node would take 64 KiB at once from the system.
    const onread = { buffer: Buffer.alloc(1), callback: () => false }
    const socket = connect({ host, port, noDelay: true, onread })
    await once(socket, 'connect')
    return new SlowReader(socket)
  }

  takeOne(): void {
    this.socket.resume()
  }
}
