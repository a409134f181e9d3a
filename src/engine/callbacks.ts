import { isError } from '../api/realms.js'

/**
 * A caller's function, made safe to call wherever something else must go on: what it throws, or
 * what its promise is rejected with, ends nothing. It becomes a process warning (SLUICE_CALLBACK),
 * the first time.
 * @param name what the caller knows it by, for example onLog
 * @param describe a thrown value in words; default: its stack
 */
export function guarded<Arguments extends unknown[]>(
  name: string,
  callback: (...given: Arguments) => unknown,
  describe: (thrown: unknown) => string = stackOf,
): (...given: Arguments) => void {
  let isTold = false
  const tell = (how: string, thrown: unknown): void => {
    if (isTold) return
    isTold = true
    process.emitWarning(`${name} ${how}; Sluice goes on without it, and says so once`, {
      code: 'SLUICE_CALLBACK',
      detail: describe(thrown),
    })
  }
  return (...given) => {
    try {
      const answer = callback(...given)
      if (!isThenable(answer)) return
      answer.then(undefined, (reason: unknown) => tell('rejected', reason))
    } catch (error) {
      tell('threw', error)
    }
  }
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as PromiseLike<unknown> | null | undefined)?.then === 'function'
}

function stackOf(thrown: unknown): string {
  try {
    if (!isError(thrown)) return String(thrown)
    return String(thrown.stack ?? thrown)
  } catch {
    return 'a value that cannot be read' // a Proxy, or an object without toString()
  }
}
