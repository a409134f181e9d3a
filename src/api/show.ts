import { isError } from './realms.js'

/** What a value is, in words for a message. */

/** Characters of a received value, or of a name, that a message repeats. */
const shownMax = 60
/** Of what a thrown value says. */
const reasonMax = 200

/** A value in a few words; never throws. */
export function show(value: unknown): string {
  if (typeof value === 'string') return cut(JSON.stringify(value.slice(0, shownMax + 1)))
  if (typeof value === 'bigint') return `${cut(String(value))}n`
  if (value === null || ['number', 'boolean', 'symbol'].includes(typeof value)) {
    return cut(String(value))
  }
  return kindOf(value)
}

/** Its kind alone: what is secret is not repeated. */
export function kindOf(value: unknown): string {
  if (value === undefined) return 'nothing'
  if (value === null) return 'null'
  if (typeof value === 'function') return 'a function'
  if (typeof value !== 'object') return `a ${typeof value}`
  try {
    if (Array.isArray(value)) return `an array of ${value.length}`
    if (isPlainObject(value)) return Object.keys(value).length > 0 ? 'an object' : 'an empty object'
    const { name } = (value as object).constructor
    return typeof name === 'string' && name !== '' ? `an object of class ${cut(name)}` : 'an object'
  } catch {
    return 'an object that cannot be read' // a Proxy
  }
}

/** What a thrown value says, whatever it is. */
export function reasonOf(thrown: unknown): string {
  try {
    const words = isError(thrown) ? thrown.message || thrown.name : show(thrown)
    return words.length <= reasonMax ? words : `${words.slice(0, reasonMax)}...`
  } catch {
    return 'an object that cannot be read' // a Proxy
  }
}

/**
 * An object as braces make it, or one without a prototype. What others hold may be hidden behind
 * a prototype or in methods (as a Map's), and would be passed over without a word.
 */
export function isPlainObject(value: unknown): value is object {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  if (typeof prototype !== 'object' || prototype === null) return true
  // Of another realm too: the one prototype that has none itself, and knows of prototypes.
  return Object.getPrototypeOf(prototype) === null && Object.hasOwn(prototype, 'isPrototypeOf')
}

/** The text, or its beginning. */
export function cut(text: string): string {
  return text.length <= shownMax ? text : `${text.slice(0, shownMax)}...`
}
