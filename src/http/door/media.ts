import { HttpError } from '../../web/errors.js'
import type { CallHeaders } from '../../web/incoming.js'

/** JSON by another name, or by none: what curl says of -d, and what says nothing. */
const jsonTypes = /^(?:application|text)\/(?:[\w.-]+\+)?json$/
const unsaid = new Set([
  '',
  'text/plain',
  'application/x-www-form-urlencoded',
  'application/octet-stream',
])

/**
 * The body is read as JSON whatever it is called, unless that says that it is something else. What
 * a page may send without a preflight (`text/plain` and forms) is taken too: with a POST every
 * browser sends the page's Origin, and whose that may be was looked at before.
 */
export function checkMedia(headers: CallHeaders): void {
  const [type = '', ...parameters] = (headers['content-type'] ?? '').toLowerCase().split(';')
  const name = type.trim()
  const charset = parameters.map((one) => one.trim()).find((one) => one.startsWith('charset='))
  const isUtf8 = charset === undefined || /^charset=(["']?)(?:utf-?8|us-ascii)\1$/.test(charset)
  if (isUtf8 && (jsonTypes.test(name) || unsaid.has(name))) return
  throw new HttpError('media_type', 'Expected the header Content-Type: application/json.')
}

/** Nothing is unpacked: a small body could be a large one. */
export function checkEncoding(headers: CallHeaders): void {
  const encoding = headers['content-encoding']
  if (encoding !== undefined && encoding.toLowerCase() !== 'identity') {
    throw new HttpError('media_type', 'Expected a body without Content-Encoding; send it plain.')
  }
}
