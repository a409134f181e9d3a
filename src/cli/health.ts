import { askHealth } from '../http/node/health-client.js'
import { readApiKeys } from '../options/api-keys.js'
import { refused } from '../options/checks.js'
import type { healthFlags } from '../options/command-flags.js'
import type { Settled } from '../options/flags.js'
import { textOfFlag } from './flag-file.js'

type Flags = Settled<typeof healthFlags>

/**
 * `sluice health`: whether a server serves requests, for Docker and scripts.
 * @param given its URL; without one it is where `serve` listens by the same flags and variables
 * @returns the exit code, 0 where it does; rejects with why it does not
 */
export async function healthCommand(given: string | undefined, flags: Flags): Promise<number> {
  const url = given === undefined ? ownUrl(flags) : urlOf(given)
  const [first] = readApiKeys(flags.apiKeyFile, process.env)
  const ca = flags.tlsCert === undefined ? undefined : textOfFlag('--tls-cert', flags.tlsCert)
  const { timeoutMs } = flags
  const health = await askHealth({ url, key: first?.key, ca, timeoutMs }).catch(
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

/** Where the server of the same flags can be asked from here. */
function ownUrl({ host, port, tlsCert }: Flags): URL {
  const here = { '0.0.0.0': '127.0.0.1', '::': '::1' }[host] ?? host
  const scheme = tlsCert === undefined ? 'http' : 'https'
  return new URL(`${scheme}://${here.includes(':') ? `[${here}]` : here}:${port}`)
}

function urlOf(given: string): URL {
  const isUrl = URL.canParse(given) && /^https?:$/.test(new URL(given).protocol)
  if (isUrl) return new URL(given)
  throw refused('url', 'an address such as http://127.0.0.1:8080', `'${given}'`)
}
