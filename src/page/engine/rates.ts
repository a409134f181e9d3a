import type { EngineNow, TotalName } from '../wire.js'

/** Looks that are kept: a minute's, at one a second. */
export const looksMax = 60

/** What an engine did since the look before. */
interface Rates {
  readonly writtenPerSecond: number
  readonly readPerSecond: number
}

/** Makes rates of counters: the server keeps nothing for whoever looks. */
export class RateLog {
  readonly rates: Rates[] = []
  #last: { readonly atMs: number; readonly totals: EngineNow['totals'] } | undefined

  add(atMs: number, totals: EngineNow['totals']): void {
    const last = this.#last
    this.#last = { atMs, totals }
    if (last === undefined) return
    const seconds = (atMs - last.atMs) / 1000
    const gained = (name: TotalName) => Math.max(0, totals[name] - last.totals[name])
    if (seconds <= 0) return
    this.rates.push({
      writtenPerSecond: gained('generated_tokens') / seconds,
      readPerSecond: gained('prefilled_tokens') / seconds,
    })
    if (this.rates.length > looksMax) this.rates.shift()
  }
}

/** A round number that is no less: 1, 2 or 5 times a power of ten. */
export function roundUp(value: number): number {
  if (value <= 1) return 1
  const power = 10 ** Math.floor(Math.log10(value))
  const found = [1, 2, 5, 10].find((step) => step * power >= value) ?? 10
  return found * power
}
