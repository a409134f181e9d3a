import { isIPv4 } from 'node:net'
import { ApiError } from '../openai/errors.js'

/**
 * Throws a 403 unless a request is sent to this machine's own names or a configured one. A page
 * whose name was made to resolve to 127.0.0.1 (DNS rebinding, CVE-2024-28224) still sends its own
 * name here.
 */
export function checkHost(header: string | undefined, allowHosts: readonly string[]): void {
  const name = hostName(header ?? '')
  if (name !== undefined && (isLoopback(name) || allowHosts.some((one) => bare(one) === name))) {
    return
  }
  const came = name === undefined ? 'none that can be read' : `'${name}'`
  throw new ApiError(
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

/** The name of `name`, `name:port`, `[v6]` or `[v6]:port`. */
function hostName(header: string): string | undefined {
  const match = /^(\[[0-9a-f:.]{2,45}\]|[a-z0-9._-]{1,253})(?::\d{1,5})?$/i.exec(header)
  return match?.[1] === undefined ? undefined : bare(match[1])
}

function bare(name: string): string {
  return name.toLowerCase().replace(/^\[(.*)\]$/, '$1')
}
