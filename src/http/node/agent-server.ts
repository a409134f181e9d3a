import { createServer, type Server, type Socket } from 'node:net'
import { agentLine } from '../agent-line.js'
import type { App } from '../app.js'
import { connectionsBeside } from './connections-max.js'

/** Who connects reads a line and leaves. */
const patienceMs = 5000
const connectionsMax = 64

/**
 * Answers HAProxy's agent-check: a line for each connection, whatever it sends. A proxy asks each
 * server about once a second.
 */
export function agentServer(app: App): Server {
  const server = createServer((socket) => answer(socket, agentLine(app)))
  server.maxConnections = connectionsBeside(connectionsMax)
  return server
}

function answer(socket: Socket, line: string): void {
  socket.on('error', () => undefined) // it has left before its answer
  // Not setTimeout() of the socket, which counts anew with each byte that it sends.
  const timer = setTimeout(() => socket.destroy(), patienceMs).unref()
  socket.on('close', () => clearTimeout(timer))
  socket.resume() // its own end is heard, and what it sends is of no interest
  socket.end(`${line}\n`)
}
