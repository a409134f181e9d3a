import { createHash, timingSafeEqual } from 'node:crypto'
import type { Api } from '../../apis/api.js'
import type { CallHeaders } from '../../web/call.js'
import { HttpError } from '../../web/errors.js'

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
   * The digest of the key that a request of this protocol brings; undefined if the server has none.
   * Throws a 401 for no key, or another.
   */
  check(api: Pick<Api, 'keyOf' | 'keyExample'>, headers: CallHeaders): Buffer | undefined {
    if (!this.areNeeded) return undefined
    const key = api.keyOf(headers)
    if (key === undefined) {
      throw new HttpError('invalid_key', `Expected the header ${api.keyExample}.`)
    }
    const given = digest(key)
    if (this.#has(given)) return given
    throw new HttpError('invalid_key', 'The API key is not one of this server.')
  }

  /** Whether that is a key of the server's, or none is needed. */
  areGiven(key: string | undefined): boolean {
    return !this.areNeeded || (key !== undefined && this.#has(digest(key)))
  }

  /** Looks at every key, so that the time taken says nothing about them. */
  #has(given: Buffer): boolean {
    let found = false
    for (const known of this.#digests) found = timingSafeEqual(known, given) || found
    return found
  }
}

function digest(key: string): Buffer {
  return createHash('sha256').update(key).digest()
}
