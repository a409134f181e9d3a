import { isError } from '../api/realms.js'

type Caller = ((...given: never[]) => unknown) | (new (...given: never[]) => unknown)

/**
 * Where a caller asked for something. An error that is made later, for an event of the engine,
 * has no line of the caller's in its stack; this adds them. V8 makes the text of it only where
 * there is an error: until then it is a microsecond or two a call.
 */
export class CallSite {
  readonly #trace: { stack?: unknown } = {}

  /** @param above the function whose callers are meant; it must be running */
  constructor(above: Caller) {
    Error.captureStackTrace(this.#trace, above)
  }

  /** The same error, whose stack goes on with those lines of the call that it has not. */
  joinedTo<Thrown>(thrown: Thrown): Thrown {
    if (!isError(thrown) || typeof thrown.stack !== 'string') return thrown
    const { stack } = thrown
    const missing = this.#lines.filter((line) => !stack.includes(line))
    if (missing.length > 0) thrown.stack = [stack, ...missing].join('\n')
    return thrown
  }

  get #lines(): string[] {
    const { stack } = this.#trace
    if (typeof stack !== 'string') return [] // Error.prepareStackTrace is somebody's own
    return stack.split('\n').filter((line) => /^\s+at /.test(line))
  }
}

/**
 * The same for what throws at once, from so deep that V8, which keeps ten calls, has forgotten the
 * caller. It costs nothing where nothing is thrown.
 * @param run is no closure where what it is given is large: a call site that is taken below keeps
 * its functions, and what they close over, for as long as a reply lives
 */
export function atCaller<T, Given extends unknown[]>(
  run: (...given: Given) => T,
  ...given: Given
): T {
  try {
    return run(...given)
  } catch (error) {
    throw new CallSite(atCaller).joinedTo(error)
  }
}

/** Runs what a caller asked for; what it rejects with has the caller's lines in its stack. */
export async function fromCaller<T>(run: () => T | Promise<T>): Promise<T> {
  const site = new CallSite(fromCaller)
  try {
    return await run()
  } catch (error) {
    throw site.joinedTo(error)
  }
}
