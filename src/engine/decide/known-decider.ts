import { SluiceError } from '../../api/errors.js'
import { abortedBy, onAbort } from '../abort-signals.js'
import type { Decider } from './decider.js'

const givenUp = 'the decisions were given up'

/** An engine's Decider, made when it is first asked for, once for all that ask meanwhile. */
export class KnownDecider {
  readonly #make: () => Promise<Decider>
  #known: Promise<Decider> | undefined

  constructor(make: () => Promise<Decider>) {
    this.#make = make
  }

  /** Rejects by the signal, which does not end the making: others may wait for it. */
  async get(signal: AbortSignal | undefined): Promise<Decider> {
    if (signal?.aborted) throw abortedBy(signal, givenUp)
    this.#known ??= this.#make().catch((error) => {
      this.#known = undefined // the next call looks again
      throw error
    })
    const known = this.#known
    return new Promise((resolve, reject) => {
      const rest = onAbort(signal, () => reject(abortedBy(signal, givenUp)))
      known.then(
        (decider) => {
          rest()
          resolve(decider)
        },
        (error) => {
          rest()
          reject(ownCopy(error))
        },
      )
    })
  }
}

/** Each caller's error has a stack of its own. */
function ownCopy(error: unknown): unknown {
  if (!(error instanceof SluiceError)) return error
  const Kind = error.constructor as new (message: string, options: object) => SluiceError
  return Object.assign(new Kind(error.message, { cause: error.cause }), error)
}
