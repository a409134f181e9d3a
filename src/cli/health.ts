import { BlockList, isIP, isIPv6 } from 'node:net'
import { bareHost, isLoopback, withoutBrackets } from '../http/door/loopback.js'
import { askHealth } from '../http/node/health-client.js'
import { readApiKeys } from '../options/api-keys.js'
import { refused } from '../options/checks.js'
import type { healthFlags } from '../options/command-flags.js'
import type { Settled } from '../options/flags.js'
import { textOfFlag } from './flag-file.js'
import { ownAddresses } from './serve/addresses.js'

type Flags = Settled<typeof healthFlags>

/**
 * `sluice health`: whether a server serves requests, for Docker and scripts.
 * @param given its URL; without one it is where `serve` listens by the same flags and variables
 * @returns the exit code, 0 where it does; rejects with why it does not
 */
export async function healthCommand(given: string | undefined, flags: Flags): Promise<number> {
  const place = given === undefined ? ownPlace(flags) : placeOf(given)
  const { url } = place
  const [first] = readApiKeys(flags.apiKeyFile, process.env)
  const ca = flags.tlsCert === undefined ? undefined : textOfFlag('--tls-cert', flags.tlsCert)
  const { timeoutMs } = flags
  const health = await askHealth({ ...place, key: first?.key, ca, timeoutMs }).catch(
    (cause: unknown) => {
      throw new Error(`${url.origin} does not answer`, { cause })
    },
  )
  if (health.status === 200) {
    process.stdout.write('ok\n')
    return 0
  }
  const why = health.reason === undefined ? '' : ` (${health.reason})`
  throw new Error(`${url.origin} answers with ${health.status}${why}`)
}

interface Place {
  readonly url: URL
  readonly address?: string
  readonly isHere: boolean
}

/** What a server listens on that listens on all addresses, and where it is found. */
const loopbackOf: Readonly<Record<string, string>> = { '0.0.0.0': '127.0.0.1', '[::]': '[::1]' }

/** Where the server of the same flags can be asked from here: it listens on this machine. */
function ownPlace({ host, port, tlsCert }: Flags): Place {
  const address = withoutBrackets(host)
  const [named = '', zone] = address.split('%')
  const scheme = tlsCert === undefined ? 'http' : 'https'
  const text = `${scheme}://${isIPv6(named) ? `[${named}]` : named}:${port}`
  const url = URL.canParse(text) ? new URL(text) : undefined
  // Else it has more than a host: a name of a user, a path.
  if (url === undefined || url.href !== `${url.origin}/`) {
    throw refused('host', 'a host name or an address', `'${host}'`)
  }
  url.hostname = loopbackOf[url.hostname] ?? url.hostname
  return { url, isHere: true, ...(zone === undefined ? {} : { address }) }
}

function placeOf(given: string): Place {
  const url = URL.canParse(given) ? new URL(given) : undefined
  if (url !== undefined && /^https?:$/.test(url.protocol) && url.port !== '0') {
    return { url, isHere: isOfThisMachine(url.hostname) }
  }
  throw refused('url', 'an address such as http://127.0.0.1:8080', `'${given}'`)
}

/** A name is not looked up: what answers there can prove that it is its own. */
function isOfThisMachine(hostname: string): boolean {
  const host = bareHost(hostname)
  if (isIP(host) === 0) return isLoopback(host)
  const own = new BlockList() // which knows an address of IPv4 in the form of IPv6 too
  own.addSubnet('127.0.0.0', 8)
  for (const { address, family } of ownAddresses()) {
    own.addAddress(address, family === 'IPv4' ? 'ipv4' : 'ipv6')
  }
  return isLoopback(host) || own.check(host, isIPv6(host) ? 'ipv6' : 'ipv4')
}
