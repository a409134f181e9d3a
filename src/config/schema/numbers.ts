import type { Rules } from './rules.js'

/** Bounds of a number; left out is none. */
export interface Bounds {
  min?: number
  max?: number
  /** Above min or below max, not at it. Never with whole numbers. */
  aboveMin?: boolean
  belowMax?: boolean
}

/**
 * Numbers of so many digits are different ones for JavaScript too if their text is different, so
 * that what is above a bound as text is not at it as a number.
 */
const digitsMax = 15

/** The grammar of numbers within bounds, as digits without an exponent. */
export function boundedNumber(rules: Rules, bounds: Bounds, isWhole: boolean): string {
  const { min = -largest(isWhole), max = largest(isWhole), aboveMin, belowMax } = bounds
  const choices: string[] = []
  if (max >= 0) {
    const low = min > 0 || (min === 0 && aboveMin) ? { at: min, isOut: aboveMin } : undefined
    choices.push(...positives(rules, low, { at: max, isOut: belowMax }, isWhole))
  }
  if (min < 0) {
    const low = max < 0 || (max === 0 && belowMax) ? { at: -max, isOut: belowMax } : undefined
    const negatives = positives(rules, low, { at: -min, isOut: aboveMin }, isWhole)
    if (negatives.length > 0) choices.push(`"-" (${negatives.join(' | ')})`)
  }
  return choices.length === 0 ? '' : rules.oneOf(choices)
}

function largest(isWhole: boolean): number {
  return isWhole ? Number.MAX_SAFE_INTEGER : 10 ** digitsMax - 1
}

/** Whether boundedNumber can keep to it. */
export function isUsableBound(value: number, isWhole: boolean): boolean {
  if (isWhole) return Number.isSafeInteger(value)
  const [whole, fraction] = decimal(Math.abs(value))
  return whole.length + fraction.length <= digitsMax
}

interface Limit {
  at: number
  isOut: boolean | undefined
}

/** Of 0 and more, by the number of digits before the point. */
function positives(rules: Rules, low: Limit | undefined, high: Limit, isWhole: boolean): string[] {
  const most = decimal(high.at)[0].length
  const least = low === undefined ? 1 : decimal(low.at)[0].length
  const choices: string[] = []
  for (let length = least; length <= most; length++) {
    const room = isWhole ? 0 : digitsMax - length
    const digits = new Digits(rules, length, room)
    const text = digits.between(
      length === least ? low : undefined,
      length === most ? high : undefined,
    )
    if (text !== '') choices.push(text)
  }
  return choices
}

/** Numbers with one count of digits before the point: an automaton over their digits. */
class Digits {
  readonly #rules: Rules
  readonly #whole: number
  readonly #room: number
  #low = ''
  #high = ''
  #isAbove = false
  #isBelow = false

  constructor(rules: Rules, whole: number, room: number) {
    this.#rules = rules
    this.#whole = whole
    this.#room = room
  }

  between(low: Limit | undefined, high: Limit | undefined): string {
    this.#low = low === undefined ? '' : decimal(low.at).join('')
    this.#high = high === undefined ? '' : decimal(high.at).join('')
    this.#isAbove = low?.isOut ?? false
    this.#isBelow = high?.isOut ?? false
    return this.#from(0, low !== undefined, high !== undefined)
  }

  /** What may follow so many digits; `atLow` while they are those of the limit, `atHigh` alike. */
  #from(position: number, atLow: boolean, atHigh: boolean): string {
    const choices: string[] = []
    const isFraction = position >= this.#whole
    if (isFraction && this.#mayEnd(position, atLow, atHigh)) choices.push('""')
    if (position < this.#whole + this.#room) choices.push(...this.#next(position, atLow, atHigh))
    return choices.length === 0 ? '' : this.#rules.oneOf(choices)
  }

  #next(position: number, atLow: boolean, atHigh: boolean): string[] {
    const point = position === this.#whole ? '"." ' : ''
    const left = this.#whole + this.#room - position
    if (!atLow && !atHigh && position >= this.#whole) return [`${point}[0-9]{1,${left}}`]
    const low = atLow ? digitAt(this.#low, position) : 0
    const high = atHigh ? digitAt(this.#high, position) : 9
    // No zero before other digits.
    const first = Math.max(low, position === 0 && this.#whole > 1 ? 1 : 0)
    const choices: string[] = []
    const add = (from: number, to: number, isAtLow: boolean, isAtHigh: boolean) => {
      if (from > to) return
      const rest = this.#from(position + 1, isAtLow, isAtHigh)
      if (rest !== '') choices.push(`${point}[${from}-${to}] ${rest}`)
    }
    if (low === high && atLow && atHigh) {
      if (first === low) add(low, low, true, true)
      return choices
    }
    if (atLow && first === low) add(low, low, true, false)
    add(Math.max(first, atLow ? low + 1 : low), atHigh ? high - 1 : high, false, false)
    if (atHigh && high >= first) add(high, high, false, true)
    return choices
  }

  /** Whether a number that ends here is within the limits; what is left of them counts as well. */
  #mayEnd(position: number, atLow: boolean, atHigh: boolean): boolean {
    const isLow = /^0*$/.test(this.#low.slice(position))
    const isHigh = /^0*$/.test(this.#high.slice(position))
    if (atLow && (!isLow || this.#isAbove)) return false
    return !(atHigh && isHigh && this.#isBelow)
  }
}

function digitAt(digits: string, position: number): number {
  return Number(digits[position] ?? '0')
}

/** The digits before and behind the point of a number that is not negative. */
function decimal(value: number): [whole: string, fraction: string] {
  const [mantissa = '', exponent = '0'] = String(value).split('e')
  const [before = '', behind = ''] = mantissa.split('.')
  const shift = Number(exponent)
  const digits = before + behind
  const point = before.length + shift
  if (point <= 0) return ['0', '0'.repeat(-point) + digits]
  return [digits.padEnd(point, '0').slice(0, point), digits.slice(point)]
}
