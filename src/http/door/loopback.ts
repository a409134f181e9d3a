import { isIPv4 } from 'node:net'

/** Whether only programs of this machine can reach what listens on this address or name. */
export function isLoopback(host: string): boolean {
  const name = bareHost(host)
  if (name === 'localhost' || name === '::1') return true
  const v4 = name.startsWith('::ffff:') ? name.slice('::ffff:'.length) : name
  return isIPv4(v4) && v4.startsWith('127.')
}

/** Whether others can reach a server that asks for no key, though nobody said that they may. */
export function isOpenToOthers(of: {
  readonly host: string
  readonly apiKeys: readonly unknown[]
  readonly allowUnauthenticated: boolean
}): boolean {
  return !(isLoopback(of.host) || of.apiKeys.length > 0 || of.allowUnauthenticated)
}

/** In lower case, and without the brackets of an IPv6 address. */
export function bareHost(name: string): string {
  return withoutBrackets(name.toLowerCase())
}

/** "::1" of "[::1]", as it stands in an address of the web. */
export function withoutBrackets(name: string): string {
  return name.replace(/^\[(.*)\]$/, '$1')
}
