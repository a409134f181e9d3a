import { once } from 'node:events'
import http from 'node:http'
import net, { type AddressInfo } from 'node:net'
import type { Ports } from './fleet.js'

/** A server without a model that answers each request with its own number. */
export interface Stub extends Ports {
  close(): void
}

export async function startStubs(count: number): Promise<Stub[]> {
  return Promise.all(Array.from({ length: count }, (_, i) => startStub(i)))
}

async function startStub(number: number): Promise<Stub> {
  const server = http.createServer((request, response) => {
    request.resume().on('end', () => response.end(String(number)))
  })
  const agent = net.createServer((socket) => {
    socket.on('error', () => undefined).end('up 100%\n')
  })
  const [port = 0, agentPort = 0] = await Promise.all([server, agent].map(listen))
  const close = () => {
    server.close()
    server.closeAllConnections()
    agent.close()
  }
  return { port, agentPort, close }
}

async function listen(server: net.Server): Promise<number> {
  await once(server.listen(0, '127.0.0.1'), 'listening')
  return (server.address() as AddressInfo).port
}
