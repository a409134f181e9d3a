import { randomUUID } from 'node:crypto'
import type { IncomingMessage } from 'node:http'

/** The client's own x-request-id where it is a plain word, so that traces join; else a new one. */
export function requestIdOf(req: IncomingMessage): string {
  const given = req.headers['x-request-id']
  if (typeof given === 'string' && /^[A-Za-z0-9._-]{1,64}$/.test(given)) return given
  return newRequestId()
}

export function newRequestId(): string {
  return `req_${randomUUID().replaceAll('-', '')}`
}
