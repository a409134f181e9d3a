import type { IncomingMessage, ServerResponse } from 'node:http'
import { ApiError } from '../openai/errors.js'

/** Headers that a page may send; others only where its browser asked for them by name. */
const headersAllowed = 'authorization, content-type, x-request-id'

/**
 * Throws a 403 for a web page from elsewhere, preflight or not: a plain POST of a foreign page
 * would otherwise run before its browser hides the answer. Allowed pages get their CORS headers.
 */
export function checkOrigin(
  { headers }: IncomingMessage,
  res: ServerResponse,
  allowOrigins: readonly string[],
): void {
  const { origin, host } = headers
  if (allowOrigins.length > 0) res.setHeader('vary', 'origin')
  if (origin === undefined || origin === `http://${host}`) return
  if (!allowOrigins.includes(origin)) {
    throw new ApiError(
      'origin',
      "Web pages from this Origin are not allowed here; the server's owner can allow it " +
        '(--allow-origin).',
    )
  }
  res.setHeader('access-control-allow-origin', origin)
  res.setHeader('access-control-expose-headers', 'x-request-id, retry-after, x-sluice-notes')
}

/** Whether a browser asks if it may ask. Only after checkOrigin. */
export function isPreflight({ method, headers }: IncomingMessage): boolean {
  return (
    method === 'OPTIONS' &&
    headers.origin !== undefined &&
    headers['access-control-request-method'] !== undefined
  )
}

export function answerPreflight(
  { headers }: IncomingMessage,
  res: ServerResponse,
  methods: readonly string[],
): void {
  const asked = headers['access-control-request-headers']
  const isPlain = asked !== undefined && /^[a-z0-9-]+(?:, ?[a-z0-9-]+)*$/i.test(asked)
  res.writeHead(204, {
    'access-control-allow-methods': methods.join(', '),
    'access-control-allow-headers': isPlain ? asked : headersAllowed,
    'access-control-max-age': '600',
  })
  res.end()
}
