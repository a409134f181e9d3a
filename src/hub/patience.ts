import { setTimeout as sleep } from 'node:timers/promises'
import { PullError } from '../api/errors.js'
import type { PullProgress } from '../api/pull-types.js'

/** How long and how often is waited. Tests have shorter ones. */
export interface Timing {
  /** Failures in a row, without a byte between them, after which it is given up. */
  readonly triesMax: number
  /** Before the second try; doubled for each further one, up to `backoffMsMax`. */
  readonly backoffMs: number
  readonly backoffMsMax: number
  /** For a limit of the Hub's, each time; a longer one is an error. Its window is five minutes. */
  readonly limitMsMax: number
  /** Such waits in a row. */
  readonly limitsMax: number
  /** Without a byte, after which a connection counts as broken. */
  readonly silenceMs: number
  /** Between two looks at a lock that another has. */
  readonly lockPollMs: number
}

export const usualTiming: Timing = {
  triesMax: 6,
  backoffMs: 500,
  backoffMsMax: 30_000,
  limitMsMax: 310_000,
  limitsMax: 3,
  silenceMs: 30_000,
  lockPollMs: 200,
}

/** A failure that may pass: a server's, the network's, or a limit's. */
export class Passing extends Error {
  /** Of a limit: what the Hub asks to wait; null where it does not say. */
  readonly limitMs: number | null | undefined

  constructor(message: string, options: ErrorOptions & { limitMs?: number | null } = {}) {
    super(message, options)
    this.limitMs = options.limitMs
  }
}

/** Counts failures of one task and waits after each. Owned by one pull. */
export class Patience {
  readonly #timing: Timing
  readonly #host: string
  readonly #tell: (progress: PullProgress) => void
  readonly #signal: AbortSignal
  #failures = 0
  #limits = 0

  constructor(
    timing: Timing,
    host: string,
    tell: (progress: PullProgress) => void,
    signal: AbortSignal,
  ) {
    this.#timing = timing
    this.#host = host
    this.#tell = tell
    this.#signal = signal
  }

  /** What was asked for came: failures are counted anew. */
  progressed(): void {
    this.#failures = 0
    this.#limits = 0
  }

  /**
   * Runs it until it succeeds, or fails for good.
   * @throws PullError: rate-limited, unreachable; and what is no Passing
   */
  async persist<T>(attempt: () => Promise<T>): Promise<T> {
    while (true) {
      try {
        const result = await attempt()
        this.progressed()
        return result
      } catch (error) {
        if (!(error instanceof Passing) || this.#signal.aborted) throw error
        await this.#wait(error)
      }
    }
  }

  async #wait(error: Passing): Promise<void> {
    const reason = error.limitMs === undefined ? 'retry' : 'rate-limit'
    const ms = reason === 'retry' ? this.#backoff(error) : this.#limit(error)
    this.#tell({ phase: 'waiting', reason, ms, message: error.message })
    await sleep(ms, undefined, { signal: this.#signal })
  }

  #backoff(error: Passing): number {
    const { triesMax, backoffMs, backoffMsMax } = this.#timing
    this.#failures++
    if (this.#failures < triesMax) {
      const ms = Math.min(backoffMsMax, backoffMs * 2 ** (this.#failures - 1))
      return Math.round(ms * (1 + Math.random() / 4)) // so that many do not come back at once
    }
    throw new PullError(
      'unreachable',
      `${this.#host} failed ${this.#failures} times in a row: ${error.message}. Check the ` +
        `network and HF_ENDPOINT, and try again: what has come is kept`,
      { cause: error.cause ?? error },
    )
  }

  #limit(error: Passing): number {
    const { limitMsMax, limitsMax, backoffMsMax } = this.#timing
    const ms = error.limitMs ?? backoffMsMax
    this.#limits++
    if (ms <= limitMsMax && this.#limits <= limitsMax) return ms
    throw new PullError(
      'rate-limited',
      `${this.#host} takes no more requests from here for ${Math.ceil(ms / 1000)} s ` +
        `(${error.message}). Try again later; with HF_TOKEN set the limit is higher`,
      { cause: error },
    )
  }
}

/**
 * What an answer says of the time until requests are taken again, in milliseconds: `RateLimit` as
 * the Hub has it (`"api";r=0;t=55`), else `Retry-After`. Null where it says nothing.
 */
export function limitMsOf(headers: Headers, now = Date.now()): number | null {
  const seconds = /(?:^|;)\s*t=(\d{1,9})/.exec(headers.get('ratelimit') ?? '')?.[1]
  if (seconds !== undefined) return (Number(seconds) + 1) * 1000 // its clock counts whole ones
  const after = headers.get('retry-after')
  if (after === null) return null
  if (/^\d{1,9}$/.test(after)) return Number(after) * 1000
  const at = Date.parse(after)
  return Number.isNaN(at) ? null : Math.max(0, at - now)
}
