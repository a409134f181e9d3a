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

export function heading(model: string, fingerprint: string): Heading {
  return {
    id: `chatcmpl-${randomUUID().replaceAll('-', '')}`,
    created: Math.floor(Date.now() / 1000),
    model,
    fingerprint,
  }
}
