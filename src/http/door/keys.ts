import { createHash, timingSafeEqual } from 'node:crypto'
import type { Api } from '../../apis/api.js'
import type { ApiKey, KeyLimits } from '../../options/api-keys.js'
import type { CallHeaders } from '../../web/call.js'
import { HttpError } from '../../web/errors.js'

/** A key of the server's, without the key. */
interface KnownKey {
  readonly digest: Buffer
  /** What the log calls it. */
  readonly name: string | undefined
  /** Undefined where it has none. */
  readonly limits: KeyLimits | undefined
}

/** The keys that open the server, kept as digests: equal lengths, and no key in a heap dump. */
export class Keys {
  readonly #common: KeyLimits
  #known: readonly KnownKey[]

  /** @param common limits of keys that say nothing else */
  constructor(keys: readonly ApiKey[], common: KeyLimits = {}) {
    this.#common = common
    this.#known = keys.map((key) => known(key, common))
  }

  /** Other keys from now on. Requests under way stay. */
  replace(keys: readonly ApiKey[]): void {
    this.#known = keys.map((key) => known(key, this.#common))
  }

  /** Whether the server has keys at all. */
  get areNeeded(): boolean {
    return this.#known.length > 0
  }

  /**
   * The key that a request of this protocol brings; undefined if the server has none. Throws a 401
   * for no key, or another.
   */
  check(api: Pick<Api, 'keyOf' | 'keyExample'>, headers: CallHeaders): KnownKey | undefined {
    if (!this.areNeeded) return undefined
    const key = api.keyOf(headers)
    if (key === undefined) {
      throw new HttpError('invalid_key', `Expected the header ${api.keyExample}.`)
    }
    const found = this.#find(digest(key))
    if (found !== undefined) return found
    throw new HttpError('invalid_key', 'The API key is not one of this server.')
  }

  /** Whether that is a key of the server's, or none is needed. */
  areGiven(key: string | undefined): boolean {
    return !this.areNeeded || (key !== undefined && this.#find(digest(key)) !== undefined)
  }

  /** Looks at every key, so that the time taken says nothing about them. */
  #find(given: Buffer): KnownKey | undefined {
    let found: KnownKey | undefined
    for (const one of this.#known) {
      if (timingSafeEqual(one.digest, given)) found ??= one
    }
    return found
  }
}

function known({ key, name, ...own }: ApiKey, common: KeyLimits): KnownKey {
  const limits = { ...common, ...own }
  const hasSome = Object.keys(limits).length > 0
  return { digest: digest(key), name, limits: hasSome ? limits : undefined }
}

function digest(key: string): Buffer {
  return createHash('sha256').update(key).digest()
}
