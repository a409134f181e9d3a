import type { AnswerHeaders, WholeAnswer } from '../../web/answer.js'
import type { Call } from '../../web/call.js'
import { HttpError } from '../../web/errors.js'

/** Headers that a page may send; others only where its browser asked for them by name. */
const headersAllowed = 'authorization, content-type, x-api-key, x-request-id'

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

/**
 * Throws a 403 for a web page from elsewhere, preflight or not: a plain POST of a foreign page
 * would otherwise run before its browser hides the answer. Allowed pages get their CORS headers.
 */
export function checkOrigin(
  { headers, answerHeaders }: Pick<Call, 'headers' | 'answerHeaders'>,
  allowOrigins: readonly string[],
): void {
  const { origin, host } = headers
  answerHeaders.vary = 'origin'
  if (origin === undefined || origin === `http://${host}` || origin === `https://${host}`) return
  if (!isOfApp(origin) && !allowOrigins.some((one) => covers(one, origin))) {
    throw new HttpError(
      'origin',
      "Web pages from this Origin are not allowed here; the server's owner can allow it " +
        '(--allow-origin).',
    )
  }
  answerHeaders['access-control-allow-origin'] = origin
  answerHeaders['access-control-expose-headers'] = 'x-request-id, retry-after, x-sluice-notes'
}

/** `*` stands for any characters of an origin; alone it is every origin, `null` too. */
function covers(allowed: string, origin: string): boolean {
  if (allowed === '*' || allowed === origin) return true
  // Not by a RegExp: with two stars it goes back and forth in what anybody may send.
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
): WholeAnswer {
  const asked = headers['access-control-request-headers']
  const isPlain = asked !== undefined && /^[a-z0-9-]+(?:, ?[a-z0-9-]+)*$/i.test(asked)
  // Chromium asks so before a page of the web may reach an address of this network.
  const reachesIn = headers['access-control-request-private-network'] === 'true'
  return noContent({
    'access-control-allow-methods': methods.join(', '),
    'access-control-allow-headers': isPlain ? asked : headersAllowed,
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
