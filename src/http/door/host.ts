import { isIP, isIPv4 } from 'node:net'
import { hostname } from 'node:os'
import type { Call } from '../../web/call.js'
import { HttpError } from '../../web/errors.js'

interface HostSettings {
  readonly allowHosts: readonly string[]
  /** Where a server of ours listens; nothing of a listener in somebody else's. */
  readonly host?: string
}

/**
 * The host that a request is sent to, with its port; undefined where it names none, as HTTP/1.0
 * may. Throws a 400 for a request that names two.
 */
export function hostOf({ hosts }: Pick<Call, 'hosts'>): string | undefined {
  const [host, ...others] = hosts
  if (others.length === 0) return host
  throw new HttpError('invalid_request', `Expected one Host header, but got ${hosts.length}.`)
}

/**
 * Throws a 403 unless a request is sent to this machine's own names or a configured one. A page
 * whose name was made to resolve to 127.0.0.1 (DNS rebinding, CVE-2024-28224) still sends its own
 * name here. Where others can reach the server, by an address or by a name that no stranger can
 * have registered, such a page is no help: it would have to be at that very address.
 * @param localAddress the end of the connection that is here
 */
export function checkHost(
  header: string | undefined,
  { allowHosts, host }: HostSettings,
  localAddress: string | undefined,
): void {
  const name = hostName(header ?? '')
  const isAllowed = (own: string) => isLoopback(own) || allowHosts.some((one) => bare(one) === own)
  if (name !== undefined && isAllowed(name)) return
  const isReachable = [host, localAddress].some((one) => one !== undefined && !isLoopback(one))
  if (name !== undefined && isReachable && isNobodysName(name)) return
  const came = name === undefined ? 'none that can be read' : `'${name}'`
  throw new HttpError(
    'host',
    `The Host header names ${came}, which is not allowed; ask localhost, or let the server's ` +
      'owner allow this name (--allow-host).',
  )
}

export function isLoopback(host: string): boolean {
  const name = bare(host)
  if (name === 'localhost' || name === '::1') return true
  const v4 = name.startsWith('::ffff:') ? name.slice('::ffff:'.length) : name
  return isIPv4(v4) && v4.startsWith('127.')
}

/** An address, this machine's own name, or one of a kind that cannot be registered. */
function isNobodysName(name: string): boolean {
  if (isIP(name) !== 0 || name === hostname().toLowerCase()) return true
  return !name.includes('.') || /\.(?:local|localhost|internal|home\.arpa|lan)$/.test(name)
}

/** The name of `name`, `name:port`, `[v6]` or `[v6]:port`. */
function hostName(header: string): string | undefined {
  const match = /^(\[[0-9a-f:.]{2,45}\]|[a-z0-9._-]{1,253})(?::\d{1,5})?$/i.exec(header)
  return match?.[1] === undefined ? undefined : bare(match[1])
}

function bare(name: string): string {
  return name.toLowerCase().replace(/^\[(.*)\]$/, '$1')
}
