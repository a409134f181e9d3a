import { createHash, timingSafeEqual } from 'node:crypto'
import { HttpError } from '../../web/errors.js'
import type { CallHeaders } from '../../web/incoming.js'

/** The keys that open the server, kept as digests: equal lengths, and no key in a heap dump. */
export class Keys {
  readonly #digests: readonly Buffer[]

  constructor(keys: readonly string[]) {
    this.#digests = keys.map(digest)
  }

  /** Whether the server has keys at all. */
  get areNeeded(): boolean {
    return this.#digests.length > 0
  }

  /**
   * The digest of the key that the request brings; undefined if the server has none. Throws a 401
   * for no key, or another.
   */
  check(headers: CallHeaders): Buffer | undefined {
    if (this.#digests.length === 0) return undefined
    const key = keyIn(headers)
    if (key === undefined) {
      throw new HttpError('invalid_key', 'Expected the header Authorization: Bearer YOUR_API_KEY.')
    }
    const given = digest(key)
    if (this.#has(given)) return given
    throw new HttpError('invalid_key', 'The API key is not one of this server.')
  }

  /** Whether the request brings a key, or needs none. */
  areGiven(headers: CallHeaders): boolean {
    try {
      this.check(headers)
      return true
    } catch {
      return false // no key, or another
    }
  }

  /** Looks at every key, so that the time taken says nothing about them. */
  #has(given: Buffer): boolean {
    let found = false
    for (const known of this.#digests) found = timingSafeEqual(known, given) || found
    return found
  }
}

/**
 * The cache_salt of a request whose key's prompts share among themselves only; without such a key,
 * the one that it gave. A digest, so that no tenant can give another's.
 */
export function isolatedSalt(key: Buffer | undefined, given: string | undefined) {
  if (key === undefined) return given
  return createHash('sha256')
    .update(key)
    .update(given ?? '')
    .digest('base64url')
}

/** As OpenAI's clients bring it, or in a header of its own as those of Azure and Anthropic do. */
function keyIn({ authorization, ...headers }: CallHeaders): string | undefined {
  if (authorization !== undefined) return /^Bearer +([\x21-\x7e]+) *$/i.exec(authorization)?.[1]
  const own = headers['x-api-key'] ?? headers['api-key']
  return own !== undefined && /^[\x21-\x7e]+$/.test(own) ? own : undefined
}

function digest(key: string): Buffer {
  return createHash('sha256').update(key).digest()
}
