import type { Socket } from 'node:net'
import { binding } from '../../binding/binding.js'

/**
 * For large replies that are no streams: more than any system allows, which then takes its most.
 * With a stream's send buffer 10 MB take seconds, because the sender waits for each part of it.
 */
const wideBytes = 16 * 1024 * 1024
/** Replies up to this go out at once either way. */
const smallBytes = 16 * 1024

/** Connections that carry a stream, or did. */
const narrow = new WeakSet<Socket>()

/**
 * The kernel's send buffer of connections that stream, small so that a reader who stopped does not
 * look as if it kept up. Node has no call for it; the addon has. Where the descriptor cannot be had
 * (Windows, Bun, Deno), it warns once and goes on: such a reader is then noticed some megabytes
 * later. Owned by the listener.
 */
export class StreamSendBuffer {
  readonly #bytes: number
  #hasWarned = false

  /** @param bytes 0 leaves all as the system has it */
  constructor(bytes: number) {
    this.#bytes = bytes
  }

  /** Before a stream begins. */
  apply(socket: Socket): void {
    if (this.#bytes === 0 || this.#hasWarned || narrow.has(socket) || socket.destroyed) return
    try {
      binding().setSendBuffer(descriptorOf(socket), this.#bytes)
      narrow.add(socket)
    } catch (error) {
      this.#hasWarned = true
      process.emitWarning('the send buffer stays as the system set it', {
        code: 'SLUICE_SEND_BUFFER',
        detail: error instanceof Error ? error.message : String(error),
      })
    }
  }
}

/**
 * Before a reply of so many bytes that is no stream, on a connection that streamed before. `socket`
 * is null while the reply waits behind another one: it may be that one's stream.
 */
export function widenSendBuffer(socket: Socket | null, bytes: number): void {
  if (socket === null || socket.destroyed || bytes <= smallBytes || !narrow.delete(socket)) return
  binding().setSendBuffer(descriptorOf(socket), wideBytes)
}

function descriptorOf(socket: Socket): number {
  const { _handle: handle } = socket as Socket & { _handle?: { fd?: number } | null }
  const fd = handle?.fd
  if (fd === undefined || fd < 0) throw new Error('the connection shows no descriptor')
  return fd
}
