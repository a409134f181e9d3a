import net, { type AddressInfo } from 'node:net'
import { onTestFinished } from 'vitest'
import { commands } from '../../../src/workers/ask-worker.js'

/** What a worker of a test answers with. */
export interface FakeWorker {
  version?: readonly [number, number, number]
  devices?: readonly { freeBytes: number; totalBytes: number }[]
  /** Takes connections and says nothing, as one that serves another program. */
  isSilent?: boolean
  /** Is called at the first word of each connection to a silent one. */
  heard?: () => void
  /** Ends each connection at its first word, as one of an older protocol does. */
  isOld?: boolean
  /** Cuts each answer into single bytes. */
  isSlow?: boolean
}

/** Speaks the part of ggml's protocol that is asked before a load. @returns its port */
export async function fakeWorker(worker: FakeWorker = {}): Promise<number> {
  const server = net.createServer((socket) => {
    socket.on('error', () => undefined) // the other side has left
    if (worker.isOld) socket.once('data', () => socket.destroy())
    else if (worker.isSilent) socket.once('data', () => worker.heard?.())
    else socket.on('data', (message) => answer(socket, message, worker))
  })
  const sockets = new Set<net.Socket>()
  server.on('connection', (socket) => sockets.add(socket))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.close()
    for (const socket of sockets) socket.destroy()
  })
  return (server.address() as AddressInfo).port
}

/** Our side asks one thing at a time, each in one write. */
function answer(socket: net.Socket, message: Buffer, worker: FakeWorker): void {
  const body = bodyOf(message, worker)
  const head = Buffer.alloc(8)
  head.writeBigUInt64LE(BigInt(body.length))
  const whole = Buffer.concat([head, body])
  if (worker.isSlow) for (const byte of whole) socket.write(Buffer.of(byte))
  else socket.write(whole)
}

function bodyOf(message: Buffer, { version = [7, 0, 0], devices = [] }: FakeWorker): Buffer {
  const body = Buffer.alloc(28)
  switch (message[0]) {
    case commands.hello:
      body.set(version)
      return body
    case commands.deviceCount:
      body.writeUInt32LE(devices.length)
      return body.subarray(0, 4)
    case commands.getDeviceMemory: {
      const { freeBytes = 0, totalBytes = 0 } = devices[message.readUInt32LE(9)] ?? {}
      body.writeBigUInt64LE(BigInt(freeBytes), 0)
      body.writeBigUInt64LE(BigInt(totalBytes), 8)
      return body.subarray(0, 16)
    }
    default:
      throw new Error(`command ${message[0]} is not of the part that is asked`)
  }
}
