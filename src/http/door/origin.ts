import { isIP } from 'node:net'
import { hostname } from 'node:os'
import { optionName } from '../../options/spoken-names.js'
import type { AnswerHeaders, WholeAnswer } from '../../web/answer.js'
import type { Call } from '../../web/call.js'
import { HttpError } from '../../web/errors.js'
import { bareHost, isLoopback } from './loopback.js'

interface HostSettings {
  readonly allowHosts: readonly string[]
  /** The address that createServer() listens on; left out for a listener in another server. */
  readonly host?: string
}

/** The ends of the connection that a request came by, where they are known. */
type Ends = Pick<Call, 'localAddress' | 'remoteAddress'>

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
 * name here. A server that other machines can reach takes addresses too, and names that cannot be
 * registered: a page cannot have such a name unless it comes from that very address. Where it is
 * not known what is listened on, another machine's request has no right to this machine's names.
 */
export function checkHost(
  header: string | undefined,
  { allowHosts, host }: HostSettings,
  { localAddress, remoteAddress }: Ends,
): void {
  const name = hostName(header ?? '')
  const isFromHere = remoteAddress === undefined || isLoopback(remoteAddress)
  const isAllowed = (own: string) =>
    (isFromHere && isLoopback(own)) || allowHosts.some((one) => bareHost(one) === own)
  if (name !== undefined && isAllowed(name)) return
  const isReachable = [host, localAddress].some((one) => one !== undefined && !isLoopback(one))
  if (name !== undefined && isReachable && isUnregistrable(name)) return
  const came = name === undefined ? 'none that can be read' : `'${name}'`
  const why = isFromHere
    ? "is not allowed; ask localhost, or let the server's owner"
    : "is not for other machines; let the server's owner give keys, or"
  throw new HttpError(
    'host',
    `The Host header names ${came}, which ${why} allow this name (${optionName('allowHosts')}).`,
  )
}

/** An address, this machine's own name, or one of a kind that cannot be registered. */
function isUnregistrable(name: string): boolean {
  if (isIP(name) !== 0 || name === hostname().toLowerCase()) return true
  return !name.includes('.') || /\.(?:local|localhost|internal|home\.arpa|lan)$/.test(name)
}

/** The name of `name`, `name:port`, `[v6]` or `[v6]:port`. */
function hostName(header: string): string | undefined {
  const match = /^(\[[0-9a-f:.]{2,45}\]|[a-z0-9._-]{1,253})(?::\d{1,5})?$/i.exec(header)
  return match?.[1] === undefined ? undefined : bareHost(match[1])
}

/** Headers that a page may send beside a key; others where its browser asked for them by name. */
const headersAllowed = ['content-type', 'x-request-id']

/**
 * Origins of apps and browser extensions: no page of the web can have them, for a browser gives
 * these schemes to what was installed only. (Not `file:` and `null`, which any downloaded page and
 * any sandboxed frame has, nor every scheme: some browsers have pages at `ipfs:` or `ftp:`.)
 * Tauri and Capacitor have these names where a system knows no schemes of theirs.
 */
const appSchemes = new Set([
  ...['app:', 'tauri:', 'capacitor:', 'ionic:', 'vscode-webview:', 'vscode-file:'],
  ...['chrome-extension:', 'moz-extension:', 'safari-web-extension:'],
])
const appHosts = /^https?:\/\/(?:tauri\.localhost|localhost)$/

function isOfApp(origin: string): boolean {
  const [, scheme = ''] = /^([a-z-]+:)\/\/[^/]*$/.exec(origin) ?? []
  return appSchemes.has(scheme) || appHosts.test(origin)
}

type Visitor = Pick<Call, 'headers' | 'answerHeaders' | 'originInFront'>

/**
 * Throws a 403 for a web page from elsewhere, preflight or not: a plain POST of a foreign page
 * would otherwise run before its browser hides the answer. Allowed pages get their CORS headers.
 * What an app's own CORS in front has let in is let in.
 */
export function checkOrigin(
  { headers, answerHeaders, originInFront }: Visitor,
  allowOrigins: readonly string[],
): void {
  const { origin, host } = headers
  answerHeaders.vary = 'origin'
  if (origin === undefined || origin === `http://${host}` || origin === `https://${host}`) return
  if (originInFront === '*' || originInFront === origin) return // its headers are there already
  if (!isOfApp(origin) && !allowOrigins.some((one) => covers(one, origin))) {
    throw new HttpError(
      'origin',
      "Web pages from this Origin are not allowed here; the server's owner can allow it " +
        `(${optionName('allowOrigins')}).`,
    )
  }
  answerHeaders['access-control-allow-origin'] = origin
  answerHeaders['access-control-expose-headers'] = 'x-request-id, retry-after, x-sluice-notes'
}

/** `*` stands for any characters of an origin; alone it is every origin, `null` too. */
function covers(allowed: string, origin: string): boolean {
  if (allowed === '*' || allowed === origin) return true
  // Not by a RegExp: with two stars it backtracks, and any client may send a long Origin.
  const [first = '', ...others] = allowed.split('*')
  const last = others.pop()
  if (last === undefined || !origin.startsWith(first) || !origin.endsWith(last)) return false
  const end = origin.length - last.length
  let at = first.length
  if (at > end || origin.slice(at, end).includes('/')) return false
  for (const part of others) {
    const found = origin.indexOf(part, at)
    if (found < 0 || found + part.length > end) return false
    at = found + part.length
  }
  return true
}

/** Whether a browser asks if it may ask. Only after checkOrigin. */
export function isPreflight({ method, headers }: Pick<Call, 'method' | 'headers'>): boolean {
  return (
    method === 'OPTIONS' &&
    headers.origin !== undefined &&
    headers['access-control-request-method'] !== undefined
  )
}

export function preflightAnswer(
  { headers }: Pick<Call, 'headers'>,
  methods: readonly string[],
  keyHeaders: readonly string[],
): WholeAnswer {
  const asked = headers['access-control-request-headers']
  const isPlain = asked !== undefined && /^[a-z0-9-]+(?:, ?[a-z0-9-]+)*$/i.test(asked)
  // Chromium asks so before a page of the web may reach an address of this network.
  const reachesIn = headers['access-control-request-private-network'] === 'true'
  return noContent({
    'access-control-allow-methods': methods.join(', '),
    'access-control-allow-headers': isPlain ? asked : [...keyHeaders, ...headersAllowed].join(', '),
    ...(reachesIn ? { 'access-control-allow-private-network': 'true' } : {}),
    'access-control-max-age': '600',
  })
}

/** What may be asked there, as HTTP has it. */
export function optionsAnswer(methods: readonly string[]): WholeAnswer {
  return noContent({ allow: [...methods, 'OPTIONS'].join(', ') })
}

function noContent(headers: AnswerHeaders): WholeAnswer {
  return { status: 204, headers, body: undefined }
}
