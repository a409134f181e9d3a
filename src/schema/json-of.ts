import { isPlainObject, reasonOf, show } from '../api/show.js'

/** As deep as brackets may be nested: whoever reads the text recurses. */
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
  return new Writer(charactersMax).text(value)
}

class Writer {
  readonly #charactersMax: number
  readonly #above = new Set<object>()
  #characters = 0

  constructor(charactersMax: number) {
    this.#charactersMax = charactersMax
  }

  text(value: unknown): string {
    return this.#text(value, '', '')
  }

  #text(given: unknown, key: string, path: string): string {
    const value = told(given, key, path)
    if (typeof value === 'object' && value !== null) return this.#nested(value, path)
    if (typeof value === 'number' && !Number.isFinite(value)) throw notJson(path, value)
    const isJson = value === null || ['string', 'number', 'boolean'].includes(typeof value)
    if (!isJson) throw notJson(path, value)
    return this.#counted(JSON.stringify(value), path)
  }

  #nested(value: object, path: string): string {
    if (this.#above.has(value)) throw new NotJsonError(path, 'JSON', 'an object that holds itself')
    if (this.#above.size === depthMax) {
      throw new NotJsonError('', `JSON at most ${depthMax} deep`, 'more')
    }
    this.#above.add(value)
    const text = look(path, () => Array.isArray(value))
      ? this.#array(value as unknown[], path)
      : this.#object(value, path)
    this.#above.delete(value)
    return text
  }

  #array(values: readonly unknown[], path: string): string {
    const texts: string[] = []
    const length = look(path, () => values.length)
    this.#count(2, path)
    for (let i = 0; i < length; i++) {
      const at = `${path}[${i}]`
      texts.push(
        this.#text(
          look(at, () => values[i]),
          String(i),
          at,
        ),
      )
      this.#count(1, path)
    }
    return `[${texts.join()}]`
  }

  #object(object: object, path: string): string {
    if (!look(path, () => isPlainObject(object))) throw notJson(path, object)
    const texts: string[] = []
    this.#count(2, path)
    for (const key of look(path, () => Object.keys(object))) {
      const at = `${path}.${key}`
      const value = look(at, () => (object as Record<string, unknown>)[key])
      if (value === undefined) continue
      const name = this.#counted(JSON.stringify(key), at)
      texts.push(`${name}:${this.#text(value, key, at)}`)
      this.#count(2, path)
    }
    return `{${texts.join()}}`
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
function told(value: unknown, key: string, path: string): unknown {
  if (typeof value !== 'object' || value === null) return value
  return look(path, () => {
    const { toJSON } = value as { toJSON?: unknown }
    return typeof toJSON === 'function' ? toJSON.call(value, key) : value
  })
}

function notJson(path: string, value: unknown): NotJsonError {
  return new NotJsonError(path, 'JSON', show(value))
}

function look<T>(path: string, how: () => T): T {
  try {
    return how()
  } catch (cause) {
    const came = `an error when it was read (${reasonOf(cause)})`
    throw new NotJsonError(path, 'JSON', came, { cause })
  }
}
