import { createHash, timingSafeEqual } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'
import { ApiError } from '../openai/errors.js'

/** The keys that open the server, kept as digests: equal lengths, and no key in a heap dump. */
export class Keys {
  readonly #digests: readonly Buffer[]

  constructor(keys: readonly string[]) {
    this.#digests = keys.map(digest)
  }

  /** Throws a 401 unless the request brings one of the keys, or there are none. */
  check(headers: IncomingHttpHeaders): void {
    if (this.#digests.length === 0) return
    const key = /^Bearer +([\x21-\x7e]+) *$/i.exec(headers.authorization ?? '')?.[1]
    if (key === undefined) {
      throw new ApiError('invalid_key', 'Expected the header Authorization: Bearer YOUR_API_KEY.')
    }
    if (!this.#has(key)) throw new ApiError('invalid_key', 'The API key is not one of this server.')
  }

  /** Looks at every key, so that the time taken says nothing about them. */
  #has(key: string): boolean {
    const given = digest(key)
    let found = false
    for (const known of this.#digests) found = timingSafeEqual(known, given) || found
    return found
  }
}

function digest(key: string): Buffer {
  return createHash('sha256').update(key).digest()
}
