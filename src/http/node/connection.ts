import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'
import { binding } from '../../binding/binding.js'
import { SmallSet } from '../../engine/small-set.js'
import { surface } from '../../engine/surface.js'
import { HttpError } from '../../web/errors.js'
import type { ReaderState } from '../door/reader-watch.js'

/** What a connection needs of an exchange on it. */
export interface Passenger {
  readonly req: IncomingMessage
  readonly res: ServerResponse
  closed(): void
  abort(reason: HttpError): void
}

/** One connection and its exchanges that have not ended: several where requests are pipelined. */
class Connection {
  /** Set once something came on it that is no request: nothing after it is read. */
  isRefused = false
  /** The newest exchange, also after its end. */
  last: Passenger | undefined
  /** When the next request may have begun: at the connection's start, or the last answer's end. */
  idleSince = performance.now()
  /** Of a server of ours, and not of one that has a listener of ours and more beside it. */
  readonly isOwn: boolean
  readonly #aboard = new SmallSet<Passenger>()
  #onEmpty: (() => void) | undefined

  constructor(socket: Socket, isOwn: boolean) {
    this.isOwn = isOwn
    const leaveAll = (stays: (passenger: Passenger) => boolean) => {
      for (const passenger of this.#aboard) {
        if (stays(passenger)) continue
        try {
          passenger.closed()
        } catch (error) {
          surface(error) // the others hear of it too
        }
        this.#aboard.delete(passenger)
      }
      this.#emptied()
    }
    // Over TLS a client may have hung up with its whole answer before Node tells that it is sent.
    const isEncrypted = (socket as Partial<TLSSocket>).encrypted === true
    const isOnItsWay = ({ res }: Passenger) => isEncrypted && res.writableEnded
    // Not once(), whose wrapper takes 200 bytes a listener: each comes once.
    socket.on('end', () => leaveAll(isOnItsWay))
    socket.on('close', () => leaveAll(() => false))
  }

  join(passenger: Passenger): void {
    this.#aboard.add(passenger)
    this.last = passenger
  }

  leave(passenger: Passenger): void {
    this.idleSince = performance.now()
    if (this.#aboard.delete(passenger)) this.#emptied()
  }

  get isEmpty(): boolean {
    return this.#aboard.size === 0
  }

  /** Whether an answer to it is due, or on its way. */
  has(passenger: Passenger): boolean {
    return this.#aboard.has(passenger)
  }

  /** Calls back once every request before is answered, which is at once where there is none. */
  whenEmpty(then: () => void): void {
    this.#onEmpty = then
    this.#emptied()
  }

  #emptied(): void {
    if (!this.isEmpty || this.#onEmpty === undefined) return
    const then = this.#onEmpty
    this.#onEmpty = undefined
    then()
  }
}

export type { Connection }

const connections = new WeakMap<Socket, Connection>()

/** For a server of ours, which asks for each connection as it begins. */
export function connectionOf(socket: Socket): Connection {
  return connections.get(socket) ?? madeFor(socket, true)
}

function madeFor(socket: Socket, isOwn: boolean): Connection {
  const connection = new Connection(socket, isOwn)
  connections.set(socket, connection)
  return connection
}

/**
 * Ends an exchange with its connection. A response's own 'close' is not enough: one that waits
 * behind another on the same connection (pipelining) never gets it, and with unread bytes in the
 * way the client's FIN is seen only as the socket's 'end'. Returns what takes the exchange off.
 * @param silenceMs how long a client that vanished without a word may count as there
 */
export function joinConnection(passenger: Passenger, silenceMs: number): () => void {
  const { socket } = passenger.req
  const connection = connections.get(socket) ?? madeFor(socket, false)
  if (connection.last === undefined || !connection.isOwn) noticeVanished(socket, silenceMs)
  connection.join(passenger)
  // Nothing tells the end of one that has ended already.
  if (socket.destroyed || passenger.res.closed) queueMicrotask(() => passenger.closed())
  return () => {
    connection.leave(passenger)
    // What else its server sends on it may wait for its reader for as long as it likes.
    if (!connection.isOwn && connection.isEmpty) setUserTimeout(socket, 0)
  }
}

/** From its first probe on, the system asks a silent peer ten times, once a second. */
const probesMs = 10_000

/**
 * Has the system close the connection of a client that vanished without a packet: its machine lost
 * its network or its power. Else a reply of which nothing is written yet would be computed to its
 * end, and one that waits for an acknowledgement be kept for a quarter of an hour. The system asks
 * a peer that is silent; what was sent and is not acknowledged has the same time.
 */
function noticeVanished(socket: Socket, silenceMs: number): void {
  try {
    socket.setKeepAlive(true, Math.max(1000, silenceMs - probesMs))
  } catch {
    return // what stands in for a socket in other runtimes may have none of this
  }
  setUserTimeout(socket, silenceMs)
}

/** @param ms 0 is as the system has it */
function setUserTimeout(socket: Socket, ms: number): void {
  try {
    binding().setUserTimeout(descriptorOf(socket), ms)
  } catch {
    return // only Linux has it, and not every connection shows its descriptor
  }
}

/** A connection carries one answer at a time here, so a stream of HTTP/2 would be none. */
export function otherVersion(): HttpError {
  return new HttpError('http_version', 'Expected HTTP/1.1; this server speaks no other version.')
}

/**
 * The reader of what is written to a connection, as a ReaderWatch asks for it. Node has no timeout
 * for it: socket.setTimeout counts our own writes as life.
 */
export function readerOf(socket: Socket): ReaderState | undefined {
  if (socket.destroyed) return undefined
  return { isBehind: socket.writableLength > 0, taken: bytesTaken(socket) }
}

/** Node's own object of a connection. That of TLS has the one that it is made of. */
interface Handle {
  readonly bytesWritten?: number
  readonly writeQueueSize?: number
  readonly _parent?: Handle
}

/** Bytes that the kernel took. Its handle counts within a write; without it whole writes count. */
function bytesTaken(socket: Socket): number {
  const { _handle: handle } = socket as Socket & { _handle?: Handle | null }
  const { bytesWritten, writeQueueSize } = handle?._parent ?? handle ?? {}
  if (bytesWritten !== undefined && writeQueueSize !== undefined) {
    return bytesWritten - writeQueueSize
  }
  return socket.bytesWritten - socket.writableLength
}

/**
 * Ends it at once, and has the kernel let go of its bytes too. Over TLS and pipes Node cannot do
 * the second.
 */
export function resetConnection(socket: Socket): void {
  try {
    socket.resetAndDestroy()
  } catch {
    socket.destroy()
  }
}

/** Throws where the connection shows none: on Windows, in Bun and Deno. */
export function descriptorOf(socket: Socket): number {
  const { _handle: handle } = socket as Socket & { _handle?: { fd?: number } | null }
  const fd = handle?.fd
  if (fd === undefined || fd < 0) throw new Error('the connection shows no descriptor')
  return fd
}
