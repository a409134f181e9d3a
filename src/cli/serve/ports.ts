import { lookup } from 'node:dns/promises'
import net from 'node:net'
import type { NetworkInterfaceInfo } from 'node:os'
import { bareHost, isLoopback } from '../../http/door/loopback.js'
import { ownAddresses } from './addresses.js'

/** Where one answers by itself, it does so at once: this is of one that answers to nobody. */
const answerMs = 500
/** Systems keep those below for the superuser. */
const openPorts = 1024

/**
 * Whether a server is likely to get these ports of a host. They are asked, and not opened for a
 * look: a client that waits for the server would find one open, and be cut off. Where it cannot be
 * known at once without opening them, the answer is no.
 * @param ports 0 is any that is free
 */
export async function seemFree(ports: readonly number[], host: string): Promise<boolean> {
  if (process.platform === 'win32') return false // it asks again for some 2 s where it is refused
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
  const all = ownAddresses().filter(({ address }) => !address.startsWith('fe80:')) // of a scope
  try {
    const { address, family } = await lookup(bareHost(host))
    if (address === '0.0.0.0') return all.filter(isIPv4).map((one) => one.address)
    if (address === '::') return all.map((one) => one.address)
    const isOwn = all.some((one) => one.address === address)
    return isOwn || (family === 4 && isLoopback(address)) ? [address] : []
  } catch {
    return [] // the server itself says why
  }
}

function isIPv4({ family }: NetworkInterfaceInfo): boolean {
  return family === 'IPv4'
}

function refuses(port: number, host: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = net.connect({ port, host, signal: AbortSignal.timeout(answerMs) })
    socket.once('connect', () => {
      socket.destroy()
      resolve(false)
    })
    socket.once('error', ({ code }: NodeJS.ErrnoException) => resolve(code === 'ECONNREFUSED'))
  })
}
