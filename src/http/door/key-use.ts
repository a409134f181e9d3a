import type { KeyState } from '../../apis/api.js'
import type { KeyLimits } from '../../options/api-keys.js'
import { HttpError } from '../../web/errors.js'
import { TokenBucket } from './token-bucket.js'

/** A call as its key's limits see it. */
interface LimitedCall {
  /** Its key's digest. */
  readonly owner: string
  /** Of its prompts and replies, as far as they are counted. */
  readonly tokens: number
  /** The engine that it has, once it has one. */
  readonly engine: unknown
}

/** Engines that requests wait for. */
interface Engines {
  /** Of each one its free slots, and how many requests of an owner have none. */
  queues(owner: string): readonly { readonly queued: number; readonly free: number }[]
}

/** What a key has under way, and what it has used. */
interface Usage<Call> {
  /** With the tokens of each that are taken. */
  readonly calls: Map<Call, number>
  bucket: TokenBucket | undefined
}

/** How long to wait where nobody can say when a request ends. */
const soonMs = 1000

/**
 * Counts what each key asks for, and refuses what is beyond its limits. It holds what keys have
 * under way, and tokens that were used a minute ago or less. Owned by the App.
 */
export class KeyUse<Call extends LimitedCall> {
  readonly #engines: Engines
  readonly #now: () => number
  readonly #usages = new Map<string, Usage<Call>>()

  constructor(engines: Engines, now: () => number = () => performance.now()) {
    this.#engines = engines
    this.#now = now
  }

  /**
   * Takes a call in, until it leaves.
   * @returns what its key has left then
   */
  enter(call: Call, limits: KeyLimits): KeyState {
    const usage = this.#usageOf(call.owner, limits)
    this.#take(usage)
    const before = this.#state(usage, limits)
    const refusal = this.#refusal(call.owner, usage, limits, before)
    if (refusal !== undefined) return { ...before, refusal }
    usage.calls.set(call, 0)
    return this.#state(usage, limits)
  }

  /** Its tokens are known. Of no effect for one that was not taken in. */
  leave(call: Call): void {
    const usage = this.#usages.get(call.owner)
    if (usage === undefined || !usage.calls.has(call)) return
    this.#take(usage)
    usage.calls.delete(call)
    this.#forgetRested()
  }

  /** Those of calls under way count as they come. */
  #take({ calls, bucket }: Usage<Call>): void {
    let used = 0
    for (const [call, taken] of calls) {
      used += call.tokens - taken
      calls.set(call, call.tokens)
    }
    bucket?.take(used, this.#now())
  }

  #usageOf(owner: string, { tokensPerMinute }: KeyLimits): Usage<Call> {
    const known = this.#usages.get(owner)
    const usage = known ?? { calls: new Map(), bucket: undefined }
    if (known === undefined) this.#usages.set(owner, usage)
    if (tokensPerMinute === undefined) usage.bucket = undefined
    else if (usage.bucket === undefined) {
      usage.bucket = new TokenBucket(tokensPerMinute, this.#now())
    } else if (usage.bucket.perMinute !== tokensPerMinute) {
      usage.bucket.change(tokensPerMinute, this.#now())
    }
    return usage
  }

  #refusal(
    owner: string,
    { calls }: Usage<Call>,
    { requests, queue, tokensPerMinute }: KeyLimits,
    { tokens }: KeyState,
  ): HttpError | undefined {
    if (requests !== undefined && calls.size >= requests) {
      return tooMany(`${requests} requests under way, as many as it may have at once`)
    }
    if (queue !== undefined && calls.size >= queue && this.#waiting(owner, calls) >= queue) {
      return tooMany(`${queue} requests waiting, as many as it may have`)
    }
    if (tokens === undefined || tokens.left >= 1) return undefined
    const seconds = Math.max(1, Math.ceil(tokens.retryMs / 1000))
    const message =
      `This key has used its ${tokensPerMinute} tokens a minute. ` +
      `Please try again in ${seconds}s.`
    return new HttpError('key_tokens', message, { retryAfterSeconds: seconds })
  }

  /**
   * Requests that wait. What has no engine yet waits for one, unless a free slot is as good as its
   * own: which model it asks for is not known before its body is read.
   */
  #waiting(owner: string, calls: ReadonlyMap<Call, number>): number {
    let waiting = 0
    let free = 0
    for (const engine of this.#engines.queues(owner)) {
      waiting += Math.max(0, engine.queued - engine.free)
      free += Math.max(0, engine.free - engine.queued)
    }
    const comers = [...calls.keys()].filter(({ engine }) => engine === undefined).length
    return waiting + Math.max(0, comers - free)
  }

  #state({ calls, bucket }: Usage<Call>, { requests }: KeyLimits): KeyState {
    const requestsLeft =
      requests === undefined
        ? undefined
        : { limit: requests, left: Math.max(0, requests - calls.size), retryMs: soonMs }
    return { requests: requestsLeft, tokens: this.#tokens(bucket), refusal: undefined }
  }

  #tokens(bucket: TokenBucket | undefined): KeyState['tokens'] {
    if (bucket === undefined) return undefined
    const left = bucket.left(this.#now())
    return {
      limit: bucket.perMinute,
      left,
      retryMs: bucket.msFor(1 - left),
      resetMs: bucket.msFor(bucket.perMinute - left),
    }
  }

  /** A key without calls whose tokens have come back is as good as one that was never seen. */
  #forgetRested(): void {
    const now = this.#now()
    for (const [owner, { calls, bucket }] of this.#usages) {
      if (calls.size > 0) continue
      const isRested = bucket === undefined || bucket.left(now) >= bucket.perMinute
      if (isRested) this.#usages.delete(owner)
    }
  }
}

function tooMany(what: string): HttpError {
  return new HttpError('key_requests', `This key has ${what}; try again when one has ended.`)
}
