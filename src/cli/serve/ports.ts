import { lookup } from 'node:dns/promises'
import net from 'node:net'
import { networkInterfaces } from 'node:os'
import { bareHost } from '../../http/door/loopback.js'

/** Where one answers by itself, it does so at once: this is of one that answers to nobody. */
const answerMs = 500
/** Systems keep those below for the superuser. */
const openPorts = 1024

/**
 * Whether a server is likely to get these ports of a host. They are asked, and not opened for a
 * look: a client that waits for the server would find one open, and be cut off. Where it cannot be
 * known without opening them, the answer is no.
 * @param ports 0 is any that is free
 */
export async function seemFree(ports: readonly number[], host: string): Promise<boolean> {
  const given = ports.filter((port) => port !== 0)
  if (new Set(given).size < given.length) return false
  if (given.some((port) => port < openPorts)) return false
  const addresses = await addressesToAsk(host)
  if (addresses.length === 0) return false
  const asked = addresses.flatMap((address) => given.map((port) => refuses(port, address)))
  return (await Promise.all(asked)).every(Boolean)
}

/** Of this machine: no other is asked. */
async function addressesToAsk(host: string): Promise<string[]> {
  try {
    const { address } = await lookup(bareHost(host))
    if (address === '0.0.0.0') return ['127.0.0.1']
    if (address === '::') return ['127.0.0.1', '::1']
    const own = Object.values(networkInterfaces()).flatMap((one) => one ?? [])
    const isOwn = address.startsWith('127.') || own.some((one) => one.address === address)
    return isOwn ? [address] : []
  } catch {
    return [] // the server itself says why
  }
}

function refuses(port: number, host: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = net.connect({ port, host, signal: AbortSignal.timeout(answerMs) })
    socket.once('connect', () => {
      socket.destroy()
      resolve(false)
    })
    // No such address: a machine without IPv6 has no ::1 to ask.
    const free = ['ECONNREFUSED', 'EADDRNOTAVAIL', 'EAFNOSUPPORT', 'ENETUNREACH']
    socket.once('error', ({ code = '' }: NodeJS.ErrnoException) => resolve(free.includes(code)))
  })
}
