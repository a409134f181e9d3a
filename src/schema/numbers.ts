import type { Rules } from './writing/rules.js'

/** Bounds of a number; left out is none. */
export interface Bounds {
  min?: number
  max?: number
  /** Above min or below max, not at it. Never with whole numbers. */
  aboveMin?: boolean
  belowMax?: boolean
  /** A multiple of this, which is no 0; left out is any. */
  multipleOf?: number
}

/** Why multiples cannot be written; the words follow "expected". */
export class MultiplesError extends Error {}

/** Limits as a schema says them: of wholes, and of what is left out beyond a limit. */
interface GivenBounds {
  min: number | undefined
  max: number | undefined
  above: number | undefined
  below: number | undefined
}

/** States of a number's digits: where, and what is left over. */
const remaindersMax = 3000
/** Where so many digits are too many states, a multiple cannot be followed. */
const digitsMin = 4
/** Multiples that are written out one by one. */
const multiplesMax = 1000

/**
 * Numbers of so many digits are different ones for JavaScript too if their text is different, so
 * that what is above a bound as text is not at it as a number.
 */
const digitsMax = 15

/**
 * The grammar of numbers within bounds, as digits without an exponent; '' where there is none.
 * @throws MultiplesError
 */
export function boundedNumber(rules: Rules, bounds: Bounds, isWhole: boolean): string {
  const step = stepOf(bounds.multipleOf, isWhole)
  const { min = -largest(isWhole), max = largest(isWhole), aboveMin, belowMax } = bounds
  const choices: string[] = []
  const within = { isWhole, step, rules }
  if (max >= 0) {
    const low = min > 0 || (min === 0 && aboveMin) ? { at: min, isOut: aboveMin } : undefined
    choices.push(...positives(within, low, { at: max, isOut: belowMax }))
  }
  if (min < 0) {
    const low = max < 0 || (max === 0 && belowMax) ? { at: -max, isOut: belowMax } : undefined
    const negatives = positives(within, low, { at: -min, isOut: aboveMin })
    if (negatives.length > 0) choices.push(`"-" (${negatives.join(' | ')})`)
  }
  return choices.length === 0 ? '' : rules.oneOf(choices)
}

/**
 * What a number is a multiple of: `units` with so many zeros behind, in the last of so many digits
 * behind the point.
 */
interface Step {
  readonly units: number
  readonly zeros: number
  readonly fraction: number
}

function stepOf(multipleOf: number | undefined, isWhole: boolean): Step {
  if (multipleOf === undefined) return { units: 1, zeros: 0, fraction: isWhole ? 0 : digitsMax }
  const [whole, behind] = decimal(multipleOf)
  if ((whole + behind).replace(/^0+/, '').length > digitsMax || behind.length > digitsMax) {
    throw new MultiplesError('a number of fewer digits')
  }
  let [units, zeros, fraction] = [Number(whole + behind), 0, behind.length]
  if (isWhole && fraction > 0) {
    // A whole number is a multiple of 0.5 as it is one of 1.
    units /= greatestDivisor(units, 10 ** fraction)
    fraction = 0
  }
  for (; units % 10 === 0 && units > 0; units /= 10) zeros++
  return { units, zeros, fraction }
}

function greatestDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestDivisor(b, a % b)
}

/** Whether a number is a multiple of another, as their digits say. */
export function isMultiple(value: number, of: number): boolean {
  const [a, b] = [decimal(Math.abs(value)), decimal(Math.abs(of))]
  const fraction = Math.max(a[1].length, b[1].length)
  const [units, step] = [a, b].map(([whole, behind]) =>
    BigInt(whole + behind.padEnd(fraction, '0')),
  )
  return step !== undefined && step !== 0n && (units as bigint) % step === 0n
}

function largest(isWhole: boolean): number {
  return isWhole ? Number.MAX_SAFE_INTEGER : 10 ** digitsMax - 1
}

/**
 * Bounds that boundedNumber can keep to, no wider than those that were given; undefined where no
 * number that is written is within them.
 */
export function usableBounds(given: GivenBounds, isWhole: boolean): Bounds | undefined {
  const bounds = isWhole ? wholeBounds(given) : bothBounds(given)
  const most = largest(isWhole)
  if (bounds.min !== undefined && bounds.min < -most) {
    delete bounds.min
    delete bounds.aboveMin
  }
  if (bounds.max !== undefined && bounds.max > most) {
    delete bounds.max
    delete bounds.belowMax
  }
  if (!isWhole) {
    if (bounds.min !== undefined) bounds.min = shortened(bounds.min, 1)
    if (bounds.max !== undefined) bounds.max = shortened(bounds.max, -1)
  }
  const { min = -most, max = most } = bounds
  return min > max || min > most || max < -most ? undefined : bounds
}

/** The next number upwards (1) or downwards (-1) that has no more digits than are written. */
function shortened(value: number, towards: 1 | -1): number {
  const [whole, fraction] = decimal(Math.abs(value))
  if (whole.length + fraction.length <= digitsMax) return value
  const digits = Math.max(0, digitsMax - whole.length)
  const cut = Number(`${whole}.${fraction.slice(0, digits)}`) * Math.sign(value)
  if (towards > 0 ? cut >= value : cut <= value) return cut
  return Number((cut + towards * 10 ** -digits).toFixed(digits))
}

function wholeBounds({ min, max, above, below }: GivenBounds): Bounds {
  const least = [min, above === undefined ? undefined : Math.floor(above) + 1]
  const most = [max, below === undefined ? undefined : Math.ceil(below) - 1]
  const given = (values: (number | undefined)[]) => values.filter((value) => value !== undefined)
  const low = Math.ceil(Math.max(...given(least)))
  const high = Math.floor(Math.min(...given(most)))
  const bounds: Bounds = {}
  if (given(least).length > 0) bounds.min = low
  if (given(most).length > 0) bounds.max = high
  return bounds
}

function bothBounds({ min, max, above, below }: GivenBounds): Bounds {
  const bounds: Bounds = {}
  if (min !== undefined) bounds.min = min
  if (max !== undefined) bounds.max = max
  if (above !== undefined && above >= (min ?? Number.NEGATIVE_INFINITY)) {
    Object.assign(bounds, { min: above, aboveMin: true })
  }
  if (below !== undefined && below <= (max ?? Number.POSITIVE_INFINITY)) {
    Object.assign(bounds, { max: below, belowMax: true })
  }
  return bounds
}

interface Limit {
  at: number
  isOut: boolean | undefined
}

interface Within {
  readonly rules: Rules
  readonly isWhole: boolean
  readonly step: Step
}

/** Of 0 and more, by the number of digits before the point. */
function positives(within: Within, low: Limit | undefined, high: Limit): string[] {
  const { rules, isWhole, step } = within
  const listed = multiplesOf(step, low, high)
  if (listed !== undefined) return listed.map((text) => rules.add(`"${text}"`))
  const most = decimal(high.at)[0].length
  const least = low === undefined ? 1 : decimal(low.at)[0].length
  const isFree = isEvery(step)
  const longest = isFree ? most : Math.floor(remaindersMax / step.units) - step.fraction
  if (longest < Math.min(most, Math.max(least, digitsMin))) {
    throw new MultiplesError('one that takes less to follow: smaller, or with nearer bounds')
  }
  const free: FreeRules = new Map()
  const choices: string[] = []
  for (let length = least; length <= Math.min(most, longest); length++) {
    const room = isWhole ? 0 : Math.min(step.fraction, digitsMax - length)
    if (!isFree && room < step.fraction) break
    const digits = new Digits(rules, [length, room], step, free)
    const text = digits.between(
      length === least ? low : undefined,
      length === most ? high : undefined,
    )
    if (text !== '') choices.push(text)
  }
  return choices
}

/** Whether all numbers of so many digits behind the point are multiples. */
function isEvery({ units, zeros }: Step): boolean {
  return units === 1 && zeros === 0
}

/** All multiples within limits, as they are written; undefined where there are many. */
function multiplesOf(step: Step, low: Limit | undefined, high: Limit): string[] | undefined {
  if (isEvery(step)) return undefined
  const { fraction } = step
  const units = step.units * 10 ** step.zeros
  const scale = 10 ** fraction
  const [first, last] = [((low?.at ?? 0) * scale) / units, (high.at * scale) / units]
  if (!(last - first <= multiplesMax)) return undefined
  const texts: string[] = []
  for (let i = Math.max(0, Math.floor(first) - 1); i <= Math.ceil(last) + 1; i++) {
    if (!Number.isSafeInteger(i * units)) break
    const text = textOf(i * units, fraction)
    const value = Number(text)
    const isAbove = low === undefined || value > low.at || (value === low.at && !low.isOut)
    const isBelow = value < high.at || (value === high.at && !high.isOut)
    if (isAbove && isBelow) texts.push(text)
  }
  return texts
}

function textOf(units: number, fraction: number): string {
  const digits = String(units).padStart(fraction + 1, '0')
  const point = digits.length - fraction
  const behind = digits.slice(point).replace(/0+$/, '')
  return behind === '' ? digits.slice(0, point) : `${digits.slice(0, point)}.${behind}`
}

/** By how many digits are to come before the point, and what is left over. */
type FreeRules = Map<string, string>

/** Numbers with one count of digits before the point: an automaton over their digits. */
class Digits {
  readonly #rules: Rules
  readonly #whole: number
  readonly #room: number
  readonly #step: Step
  readonly #free: FreeRules
  /** Where the zeros begin that each multiple has at its end. */
  readonly #end: number
  #low = ''
  #high = ''
  #isAbove = false
  #isBelow = false

  constructor(rules: Rules, [whole, room]: [number, number], step: Step, free: FreeRules) {
    this.#rules = rules
    this.#whole = whole
    this.#room = room
    this.#step = step
    this.#free = free
    this.#end = whole + step.fraction - step.zeros
  }

  between(low: Limit | undefined, high: Limit | undefined): string {
    this.#low = low === undefined ? '' : decimal(low.at).join('')
    this.#high = high === undefined ? '' : decimal(high.at).join('')
    this.#isAbove = low?.isOut ?? false
    this.#isBelow = high?.isOut ?? false
    return this.#from(0, 0, low !== undefined, high !== undefined)
  }

  /**
   * What may follow so many digits, of which so much is left over; `atLow` while they are those of
   * the limit, `atHigh` alike.
   */
  #from(position: number, left: number, atLow: boolean, atHigh: boolean): string {
    const key = `${this.#whole - position} ${this.#room} ${left}`
    const known = atLow || atHigh ? undefined : this.#free.get(key)
    if (known !== undefined) return known
    const choices: string[] = []
    const isFraction = position >= this.#whole
    if (isFraction && this.#mayEnd(position, left, atLow, atHigh)) choices.push('""')
    if (position < this.#whole + this.#room) {
      choices.push(...this.#next(position, left, atLow, atHigh))
    }
    const rule = choices.length === 0 ? '' : this.#rules.oneOf(choices)
    if (!atLow && !atHigh) this.#free.set(key, rule)
    return rule
  }

  #next(position: number, left: number, atLow: boolean, atHigh: boolean): string[] {
    const point = position === this.#whole ? '"." ' : ''
    const more = this.#whole + this.#room - position
    const isSame = isEvery(this.#step)
    const isFree = !atLow && !atHigh && isSame
    if (isFree && position >= this.#whole) return [`${point}[0-9]{1,${more}}`]
    const low = atLow ? digitAt(this.#low, position) : 0
    const high = atHigh ? digitAt(this.#high, position) : 9
    // No zero before other digits.
    const first = Math.max(low, position === 0 && this.#whole > 1 ? 1 : 0)
    const choices: string[] = []
    const add = (from: number, to: number, isAtLow: boolean, isAtHigh: boolean) => {
      const isZero = position >= this.#end && !isSame
      const last = isZero ? Math.min(to, 0) : to
      for (let digit = from; digit <= last; digit = isSame ? to + 1 : digit + 1) {
        const over = isZero ? left : (left * 10 + digit) % this.#step.units
        const rest = this.#from(position + 1, over, isAtLow, isAtHigh)
        if (rest !== '') choices.push(`${point}[${digit}-${isSame ? to : digit}] ${rest}`)
      }
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

  /**
   * Whether a number that ends here is within the limits, whose other digits count as well, and a
   * multiple with zeros for what is not written.
   */
  #mayEnd(position: number, left: number, atLow: boolean, atHigh: boolean): boolean {
    const more = Math.max(0, this.#end - position)
    if ((left * 10 ** more) % this.#step.units !== 0) return false
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
