import type { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { surface } from '../engine/surface.js'

/** What a connection needs of an exchange on it. */
export interface Passenger {
  readonly res: ServerResponse
  closed(): void
}

const connections = new WeakMap<Socket, Set<Passenger>>()

/**
 * Ends an exchange with its connection. A response's own 'close' is not enough: one that waits
 * behind another on the same connection (pipelining) never gets it, and with unread bytes in the
 * way the client's FIN is seen only as the socket's 'end'. Returns what takes the exchange off.
 */
export function joinConnection(socket: Socket, passenger: Passenger): () => void {
  const aboard = connections.get(socket) ?? watch(socket)
  aboard.add(passenger)
  return () => aboard.delete(passenger)
}

function watch(socket: Socket): Set<Passenger> {
  const aboard = new Set<Passenger>()
  connections.set(socket, aboard)
  const leaveAll = () => {
    for (const passenger of aboard) {
      try {
        passenger.closed()
      } catch (error) {
        surface(error) // the others hear of it too
      }
    }
    aboard.clear()
  }
  socket.once('end', leaveAll)
  socket.once('close', leaveAll)
  return aboard
}

/** Whether bytes of a response are on the way: nothing else may be written then. */
export function isAnswering(socket: Socket): boolean {
  return [...(connections.get(socket) ?? [])].some(({ res }) => res.headersSent)
}
