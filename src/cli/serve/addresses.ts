import type { AddressInfo } from 'node:net'
import { type NetworkInterfaceInfo, networkInterfaces } from 'node:os'

type Interfaces = ReturnType<typeof networkInterfaces>
type Bound = Pick<AddressInfo, 'address' | 'port'> & {
  /** With its colon. Default: `http:`. */
  readonly scheme?: string
}

/** All of this machine's, as far as the system tells them: Deno does with --allow-sys. */
export function ownAddresses(
  interfacesNow: () => Interfaces = networkInterfaces,
): NetworkInterfaceInfo[] {
  try {
    return Object.values(interfacesNow()).flatMap((own) => own ?? [])
  } catch {
    return []
  }
}

/**
 * Every URL at which a server answers that listens on all addresses; undefined for one that listens
 * on a single address, which is its own name.
 * @param bound what the system says it listens on
 */
export function urlsOfAll(
  { address, port, scheme = 'http:' }: Bound,
  interfacesNow?: () => Interfaces,
): string[] | undefined {
  if (address !== '0.0.0.0' && address !== '::') return undefined
  const found = ownAddresses(interfacesNow)
    // A socket of :: takes IPv4 too. A link-local address means nothing without its interface.
    .filter(({ family }) => family === 'IPv4' || address === '::')
    .filter((one) => !(one.family === 'IPv6' && one.scopeid !== 0))
    .map((one) => (one.family === 'IPv6' ? `[${one.address}]` : one.address))
  return [...new Set(['localhost', ...found])].map((host) => `${scheme}//${host}:${port}`)
}
