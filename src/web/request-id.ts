import { randomUUID } from 'node:crypto'
import type { CallHeaders } from './incoming.js'

/** The client's own x-request-id where it is a plain word, so that traces join; else a new one. */
export function requestIdOf(headers: CallHeaders): string {
  const given = headers['x-request-id']
  if (typeof given === 'string' && /^[A-Za-z0-9._-]{1,64}$/.test(given)) return given
  return newRequestId()
}

export function newRequestId(): string {
  return `req_${randomUUID().replaceAll('-', '')}`
}
