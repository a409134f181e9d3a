import { isPlainObject, reasonOf, show } from '../api/show.js'

/** As deep as brackets may be nested: readers of the text recurse. */
const depthMax = 256

/** What of a value is no JSON. */
export class NotJsonError extends Error {
  /** Where, below the value: `.properties.age`. */
  readonly path: string
  readonly expected: string
  readonly came: string

  constructor(path: string, expected: string, came: string, options?: ErrorOptions) {
    super(`expected ${expected}, but got ${came}`, options)
    this.name = 'NotJsonError'
    this.path = path
    this.expected = expected
    this.came = came
  }
}

/**
 * The text of a value as JSON.stringify writes it, but that nothing is left out of it or becomes
 * null in silence (functions, symbols, NaN, what a Map holds), and that neither a circle nor
 * objects that are shared very often take for ever.
 * @throws NotJsonError, also for a text of more than `charactersMax`
 */
export function jsonOf(value: unknown, charactersMax: number): string {
  return jsonTextOf(value, charactersMax).text
}

export interface JsonText {
  readonly text: string
  /** How deep its arrays and objects are nested: 1 for `[]`. */
  readonly depth: number
  /** The numbers of names of its objects, squared and summed up: see object-names.ts. */
  readonly nameSquares: number
}

/** The same, with how deep it is and what its names take. */
export function jsonTextOf(value: unknown, charactersMax: number): JsonText {
  return new Writer(charactersMax).write(value)
}

class Writer {
  readonly #charactersMax: number
  readonly #above = new Set<object>()
  #characters = 0
  #depth = 0
  #nameSquares = 0
  /** What is being read, which may be a getter's or a Proxy's. */
  #at = ''

  constructor(charactersMax: number) {
    this.#charactersMax = charactersMax
  }

  write(value: unknown): JsonText {
    try {
      const text = this.#text(value, '', '')
      return { text, depth: this.#depth, nameSquares: this.#nameSquares }
    } catch (cause) {
      if (cause instanceof NotJsonError) throw cause
      const came = `an error when it was read (${reasonOf(cause)})`
      throw new NotJsonError(this.#at, 'JSON', came, { cause })
    }
  }

  #text(given: unknown, key: string, path: string): string {
    this.#at = path
    const value = told(given, key)
    if (typeof value === 'object' && value !== null) return this.#nested(value, path)
    if (typeof value === 'number' && !Number.isFinite(value)) throw notJson(path, value)
    const isJson =
      value === null ||
      typeof value === 'string' ||
      typeof value === 'number' ||
      typeof value === 'boolean'
    if (!isJson) throw notJson(path, value)
    return this.#counted(JSON.stringify(value), path)
  }

  #nested(value: object, path: string): string {
    if (this.#above.has(value)) throw new NotJsonError(path, 'JSON', 'an object that holds itself')
    if (this.#above.size === depthMax) {
      throw new NotJsonError('', `JSON at most ${depthMax} deep`, 'more')
    }
    this.#above.add(value)
    this.#depth = Math.max(this.#depth, this.#above.size)
    const text = Array.isArray(value) ? this.#array(value, path) : this.#object(value, path)
    this.#above.delete(value)
    return text
  }

  #array(values: readonly unknown[], path: string): string {
    let text = ''
    const { length } = values
    this.#count(2, path)
    for (let i = 0; i < length; i++) {
      this.#at = `${path}[${i}]`
      const one = this.#text(values[i], String(i), this.#at)
      text += i === 0 ? one : `,${one}`
      this.#count(1, path)
    }
    return `[${text}]`
  }

  #object(object: object, path: string): string {
    if (!isPlainObject(object)) throw notJson(path, object)
    let text = ''
    this.#count(2, path)
    const keys = Object.keys(object)
    this.#nameSquares += keys.length ** 2
    for (const key of keys) {
      const at = `${path}.${key}`
      this.#at = at
      const value = (object as Record<string, unknown>)[key]
      if (value === undefined) continue
      const name = this.#counted(JSON.stringify(key), at)
      text += `${text === '' ? '' : ','}${name}:${this.#text(value, key, at)}`
      this.#count(2, path)
    }
    return `{${text}}`
  }

  #counted(text: string, path: string): string {
    this.#count(text.length, path)
    return text
  }

  #count(characters: number, path: string): void {
    this.#characters += characters
    if (this.#characters <= this.#charactersMax + 2) return // without the comma after the last one
    const expected = `at most ${this.#charactersMax} characters of JSON`
    throw new NotJsonError('', expected, `more (at ${path === '' ? 'its beginning' : path})`)
  }
}

/** What a value says it is as JSON: a Date is a string. */
function told(value: unknown, key: string): unknown {
  if (typeof value !== 'object' || value === null) return value
  const { toJSON } = value as { toJSON?: unknown }
  return typeof toJSON === 'function' ? toJSON.call(value, key) : value
}

function notJson(path: string, value: unknown): NotJsonError {
  return new NotJsonError(path, 'JSON', show(value))
}
