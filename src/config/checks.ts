import { InvalidOptionError } from '../engine/errors.js'

/**
 * Checks of options, each with the words for what it expects. Not zod: importing that takes 45 ms
 * of a process's start (its mini form too), and `sluice run` has 300 ms to its first word.
 */
export interface Check<T> {
  /** What is expected, as a phrase: `a number from 0 to 2`. */
  readonly expected: string
  readonly accepts: (value: unknown) => value is T
}

/** One check for each key of an options object. */
export type Checks<T> = { readonly [K in keyof Required<T>]: Check<NonNullable<T[K]>> }

/** Characters of a received value that a message repeats. */
const shownMax = 60
export const int32Max = 2 ** 31 - 1

export function check<T>(expected: string, accepts: (value: unknown) => boolean): Check<T> {
  return { expected, accepts: accepts as (value: unknown) => value is T }
}

/** A finite number within bounds, both included. */
export function numberFrom(min: number, max: number): Check<number> {
  return check(`a number from ${min} to ${max}`, (value) => isNumber(value, min, max))
}

/** A whole number within bounds, both included. */
export function integerFrom(min: number, max: number): Check<number> {
  return check(
    `a whole number from ${min} to ${max}`,
    (value) => Number.isInteger(value) && isNumber(value, min, max),
  )
}

export function isNumber(value: unknown, min: number, max: number): value is number {
  return typeof value === 'number' && value >= min && value <= max
}

export function oneOf<const T extends string>(...values: T[]): Check<T> {
  const quoted = values.map((value) => `"${value}"`)
  return check(quoted.join(' or '), (value) => values.includes(value as T))
}

export const trueOrFalse: Check<boolean> = check('true or false', (value) => {
  return typeof value === 'boolean'
})

/** A path for the operating system: not empty, and without the zero that would cut it short. */
export const filePath: Check<string> = check('the path of a file', (value) => {
  return typeof value === 'string' && value !== '' && !value.includes('\0')
})

export const aFunction: Check<() => void> = check('a function', (value) => {
  return typeof value === 'function'
})

/** Also one of another realm or a polyfill. */
export const abortSignal: Check<AbortSignal> = check('an AbortSignal', (value) => {
  const signal = value as Partial<AbortSignal> | null
  return typeof signal?.aborted === 'boolean' && typeof signal.addEventListener === 'function'
})

/** @throws InvalidOptionError */
export function demand<T>(path: string, value: unknown, { expected, accepts }: Check<T>): T {
  if (accepts(value)) return value
  throw wrong(path, expected, value)
}

export function wrong(path: string, expected: string, value: unknown): InvalidOptionError {
  return new InvalidOptionError(path, `'${path}': expected ${expected}, but got ${show(value)}.`)
}

/**
 * A copy with the options that are given; undefined counts as left out. A key that is no option is
 * refused: a misspelt one would have no effect without a word.
 * @throws InvalidOptionError with the option's path, below `at` if that is given
 */
export function parseFields<T>(input: unknown, checks: Checks<T>, at = ''): T {
  if (typeof input !== 'object' || input === null || Array.isArray(input)) {
    throw wrong(at === '' ? 'options' : at, 'an object', input)
  }
  const parsed: Record<string, unknown> = {}
  for (const [key, value] of Object.entries(input)) {
    if (value === undefined) continue
    const path = at === '' ? key : `${at}.${key}`
    if (!Object.hasOwn(checks, key)) {
      throw wrong(path, `one of the options ${Object.keys(checks).join(', ')}`, value)
    }
    parsed[key] = demand(path, value, checks[key as keyof T])
  }
  return parsed as T
}

export function show(value: unknown): string {
  if (value === undefined) return 'nothing'
  if (Array.isArray(value)) return `an array of ${value.length}`
  if (typeof value === 'function') return 'a function'
  if (typeof value === 'object' && value !== null) return 'an object'
  const text = typeof value === 'string' ? JSON.stringify(value) : String(value)
  return text.length <= shownMax ? text : `${text.slice(0, shownMax)}...`
}
