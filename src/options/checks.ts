import { isIP } from 'node:net'
import { fileURLToPath } from 'node:url'
import { InvalidOptionError } from '../api/errors.js'
import { isEvent, isUrl } from '../api/realms.js'
import type { NumberRange } from '../api/sampling-options.js'
import { cut, isPlainObject, kindOf, reasonOf, show } from '../api/show.js'
import { nearest } from './nearest.js'
import { meantBy } from './other-words/other-names.js'

/**
 * Checks of options, each with the words for what it expects: of every function of the package and
 * of the command line. Not zod: importing that takes 45 ms of a process's start (its mini form
 * too), and `sluice run` has 300 ms to its first word.
 */
export interface Check<T> {
  /** What is expected, as a phrase: `a number from 0 to 2`. */
  readonly expected: string
  /** May throw, for what cannot be looked at. */
  readonly accepts: (value: unknown) => value is T
  /** Takes what was accepted apart: a copy, whose own parts are checked below `path`. */
  read?(value: T, path: string): T
  /** Text that stands for what is looked at, on a command line, is read as a number. */
  readonly isNumeric?: boolean
  /** No message shows what came. */
  readonly isSecret?: boolean
}

/** One check for each key of an options object. */
export type Checks<T> = { readonly [K in keyof Required<T>]: Check<NonNullable<T[K]>> }

export const int32Max = 2 ** 31 - 1

export function check<T>(expected: string, accepts: (value: unknown) => boolean): Check<T> {
  return { expected, accepts: accepts as (value: unknown) => value is T }
}

export function numeric(expected: string, accepts: (value: unknown) => boolean): Check<number> {
  return { ...check<number>(expected, accepts), isNumeric: true }
}

/** A finite number within bounds, both included. */
export function numberFrom(min: number, max: number): Check<number> {
  return numeric(`a number from ${min} to ${max}`, (value) => isNumber(value, min, max))
}

/** A whole number within bounds, both included. */
export function integerFrom(min: number, max: number): Check<number> {
  return numeric(
    `a whole number from ${min} to ${max}`,
    (value) => Number.isInteger(value) && isNumber(value, min, max),
  )
}

/** As many as a timer of Node's can hold. */
export const milliseconds = integerFrom(1, int32Max)

/** What a row says of its numbers. */
export function within(range: NumberRange): Check<number> {
  if ('from' in range) {
    return (range.isWhole ? integerFrom : numberFrom)(range.from, range.to)
  }
  const { above, to, isWhole } = range
  return numeric(`a ${isWhole ? 'whole ' : ''}number above ${above}, at most ${to}`, (value) => {
    return isNumber(value, above, to) && value > above && (!isWhole || Number.isInteger(value))
  })
}

export function isNumber(value: unknown, min: number, max: number): value is number {
  return typeof value === 'number' && value >= min && value <= max
}

export function oneOf<const T extends string>(...values: T[]): Check<T> {
  const quoted = values.map((value) => `"${value}"`)
  return check(quoted.join(' or '), (value) => values.includes(value as T))
}

export const aString: Check<string> = check('a string', (value) => typeof value === 'string')

export const trueOrFalse: Check<boolean> = check('true or false', (value) => {
  return typeof value === 'boolean'
})

/** A path for the operating system: not empty, and without the zero that would cut it short. */
const isPath = (value: unknown): boolean => {
  return typeof value === 'string' && value !== '' && !value.includes('\0')
}

export const filePath: Check<string> = check('the path of a file', isPath)
export const folderPath: Check<string> = check('the path of a folder', isPath)

/** The same, or a `file:` URL of one (an object, of any realm); it is read as a path. */
export const fileLocation: Check<string | URL> = {
  ...check<string | URL>('the path of a file, or a file: URL object', (value) => {
    if (isUrl(value)) return value.protocol === 'file:' && filePath.accepts(fileURLToPath(value))
    return filePath.accepts(value)
  }),
  read: (value) => (typeof value === 'string' ? value : fileURLToPath(value)),
}

/** Where a server listens: what it is, its resolver knows. */
export const hostName: Check<string> = check('a host name or an address', (value) => {
  return typeof value === 'string' && /^[^\s/]{1,253}$/.test(value)
})

/** As a request's Host header may name it; its port is not looked at. */
export const hostOfRequests: Check<string> = check(
  'a host name or an address, without a port',
  (value) => {
    if (typeof value !== 'string') return false
    return /^[a-z0-9._-]{1,253}$/i.test(value) || isIP(value.replace(/^\[(.*)\]$/, '$1')) !== 0
  },
)

export const aFunction: Check<() => void> = check('a function', (value) => {
  return typeof value === 'function'
})

export const anOwner: Check<string> = check('a string of 1 to 256 characters', (value) => {
  return typeof value === 'string' && value !== '' && value.length <= 256
})

/** Also one of another realm or a polyfill. */
export const abortSignal: Check<AbortSignal> = check('an AbortSignal', (value) => {
  const signal = value as Partial<AbortSignal> | null
  return (
    typeof signal?.aborted === 'boolean' &&
    typeof signal.addEventListener === 'function' &&
    typeof signal.removeEventListener === 'function'
  )
})

/** Any object but an array. Its names are checked by what reads it. */
export function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Also an instance of a class of the caller's, but none of those that JavaScript or Node has. */
function isOptions(value: unknown): value is object {
  return isObject(value) && Object.prototype.toString.call(value) === '[object Object]'
}

const optionsObject = 'an object ({ ... })'

/** An object of options within another. */
export function fieldsOf<T extends object>(checks: Checks<T>): Check<T> {
  return {
    ...check<T>(optionsObject, isOptions),
    read: (value, path) => parseFields<T>(value, checks, path),
  }
}

/** The same, or null as OpenAI's clients write what is left out. */
export function orNull<T>(one: Check<T>): Check<T> {
  return {
    ...one,
    accepts: (value): value is T => value === null || one.accepts(value),
    read: (value, path) => {
      if (value === null) return undefined as T
      return one.read === undefined ? value : one.read(value, path)
    },
  }
}

/** An array of at most so many, each of which is checked. A message says which one it is. */
export function listOf<T>(itemsMax: number, item: Check<T>, what: string): Check<readonly T[]> {
  return {
    ...check<readonly T[]>(`an array of at most ${itemsMax} ${what}`, (value) => {
      return Array.isArray(value) && value.length <= itemsMax
    }),
    read: (value, path) => {
      try {
        return readItems(path, value, (one, at) => demand(at, one, item))
      } catch (cause) {
        if (!(cause instanceof InvalidOptionError)) throw cause
        throw new InvalidOptionError(path, cause.message, { cause: cause.cause })
      }
    },
    isSecret: item.isSecret ?? false,
  }
}

/**
 * What `read` makes of each entry of an array, in their order; a hole is an entry of undefined.
 * @throws InvalidOptionError for one that cannot be read
 */
export function readItems<T>(
  path: string,
  items: readonly unknown[],
  read: (item: unknown, path: string) => T,
): T[] {
  const all: T[] = []
  const length = readable(path, 'an array', () => items.length)
  for (let i = 0; i < length; i++) {
    const at = `${path}[${i}]`
    all.push(
      read(
        readable(at, 'what can be read', () => items[i]),
        at,
      ),
    )
  }
  return all
}

/** @throws InvalidOptionError */
export function demand<T>(path: string, value: unknown, one: Check<T>): T {
  const { expected, accepts, read, isSecret } = one
  const isRight = readable(path, expected, () => accepts(value))
  if (!isRight) throw refused(path, expected, isSecret ? kindOf(value) : came(value, one))
  return read === undefined ? (value as T) : read(value as T, path)
}

/** Numbers of an environment are text. */
function came(value: unknown, { isNumeric, accepts }: Check<unknown>): string {
  const isText = isNumeric === true && typeof value === 'string' && value.trim() !== ''
  return isText && accepts(Number(value)) ? `text: Number(${show(value)}) is one` : show(value)
}

/** @throws InvalidOptionError for what throws when it is looked at: a getter, or a Proxy */
export function readable<T>(path: string, expected: string, look: () => T): T {
  try {
    return look()
  } catch (cause) {
    if (cause instanceof InvalidOptionError) throw cause
    throw refused(path, expected, `an error when it was read (${reasonOf(cause)})`, { cause })
  }
}

export function wrong(path: string, expected: string, value: unknown): InvalidOptionError {
  return refused(path, expected, show(value))
}

/** The one voice of all errors of options. */
export function refused(path: string, expected: string, came: string, options?: ErrorOptions) {
  const message = `'${cut(path)}': expected ${expected}, but got ${came}.`
  return new InvalidOptionError(path, message, options)
}

/**
 * A copy with the options that are given; undefined counts as left out. A key that is no option is
 * refused: a misspelt one would have no effect without a word.
 * @throws InvalidOptionError with the option's path, below `at` if that is given
 */
export function parseFields<T>(input: unknown, checks: Checks<T>, at = ''): T {
  const own = at === '' ? 'options' : at
  const keys = readable(own, optionsObject, () => {
    if (!isOptions(input)) throw wrong(own, optionsObject, input)
    return isPlainObject(input) ? Object.keys(input) : keysOf(input, checks)
  })
  const parsed: Record<string, unknown> = {}
  for (const key of keys) {
    const path = at === '' ? key : `${at}.${key}`
    const known = Object.hasOwn(checks, key) ? checks[key as keyof T] : undefined
    const expected = known?.expected ?? optionsOf(checks)
    const value = readable(path, expected, () => (input as Record<string, unknown>)[key])
    // Also of undefined, which an environment that is not set yields: it may be set one day.
    if (known === undefined) throw unknownOption(path, key, checks, value)
    if (value === undefined) continue
    parsed[key] = demand(path, value, known)
  }
  return parsed as T
}

/** Of an instance, or of what inherits: options may be getters of its class. Methods are none. */
function keysOf(input: object, checks: object): string[] {
  const keys = new Set(Object.keys(input))
  for (const key in input) {
    if (typeof (input as Record<string, unknown>)[key] !== 'function') keys.add(key)
  }
  for (const key of Object.keys(checks)) if (key in input) keys.add(key)
  return [...keys]
}

/**
 * Of a function that has no options: refuses an object of some, which would have no effect. Other
 * values pass, as those that come to a listener: a signal's name, an Event, an Error, or an app
 * with its methods (Fastify's onClose).
 * @throws InvalidOptionError
 */
export function noOptions(given: readonly unknown[]): void {
  for (const one of given) {
    if (readable('options', 'no options', () => isOfNoListener(one))) parseFields(one, {})
  }
}

function isOfNoListener(given: unknown): boolean {
  return isPlainObject(given) && !Object.values(given).some((value) => typeof value === 'function')
}

/**
 * Of a function that has options: whether it is what a listener is called with instead, by a
 * signal's handler, an event target, or an app that closes.
 */
export function isOfListener(given: unknown): boolean {
  if (typeof given === 'string') return /^SIG[A-Z0-9]+$/.test(given)
  return readable('options', optionsObject, () => {
    const isApp = isObject(given) && 'close' in given && typeof given.close === 'function'
    return isApp || isEvent(given)
  })
}

function optionsOf(checks: object): string {
  const names = Object.keys(checks)
  return names.length === 0 ? 'no options' : `one of the options ${names.join(', ')}`
}

function unknownOption(path: string, key: string, checks: object, value: unknown) {
  const names = Object.keys(checks)
  const error = refused(path, optionsOf(checks), show(value))
  const meant = meantBy(key, names) ?? nearestTo(key, names)
  return meant === undefined ? error : new InvalidOptionError(path, `${error.message} ${meant}`)
}

function nearestTo(key: string, names: readonly string[]): string | undefined {
  const near = nearest(key, names)
  return near === undefined ? undefined : `Did you mean '${near}'?`
}
