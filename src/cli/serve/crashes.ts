import type { EngineCrash } from '../../api/isolation-types.js'

/** Crashes of an engine whose load begins before there is a log. */
export class Crashes {
  readonly #early: EngineCrash[] = []
  #onCrash: (crash: EngineCrash) => void = (crash) => this.#early.push(crash)

  readonly tell = (crash: EngineCrash): void => this.#onCrash(crash)

  /** Tells all there were and will be. */
  listen(onCrash: (crash: EngineCrash) => void): void {
    this.#onCrash = onCrash
    for (const crash of this.#early.splice(0)) onCrash(crash)
  }
}
