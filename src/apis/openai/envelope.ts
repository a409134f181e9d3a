import { randomUUID } from 'node:crypto'

/** What is the same in every chunk of one reply. */
export interface Heading {
  readonly id: string
  /** Unix seconds. */
  readonly created: number
  /** The name that the request asked for. */
  readonly model: string
  readonly fingerprint: string
}

/** @param prefix what the id begins with, as OpenAI's ids of that endpoint do */
export function heading(prefix: 'chatcmpl' | 'cmpl', model: string, fingerprint: string): Heading {
  return {
    id: `${prefix}-${randomUUID().replaceAll('-', '')}`,
    created: Math.floor(Date.now() / 1000),
    model,
    fingerprint,
  }
}
