import { jsonIn } from '../../../web/json.js'

/**
 * The one text in a custom tool's arguments, `{"input": "..."}`, as it is written. Owned by its
 * call.
 */
export class CustomInput {
  /** What has been told of it. */
  text = ''
  /** All that came. */
  #json = ''
  /** What of it was not read yet. */
  #unread = ''
  #state: 'before' | 'within' | 'behind' = 'before'

  /** @returns what this piece adds to the text */
  add(json: string): string {
    this.#json += json
    if (this.#state === 'behind') return ''
    this.#unread += json
    if (this.#state === 'before') {
      const opening = /^\s*\{\s*"input"\s*:\s*"/.exec(this.#unread)
      if (opening === null) return ''
      this.#unread = this.#unread.slice(opening[0].length)
      this.#state = 'within'
    }
    const end = this.#readable()
    const piece = textOf(this.#unread.slice(0, end))
    this.#unread = this.#unread.slice(end)
    this.text += piece
    return piece
  }

  /** @returns what the whole adds: arguments in another form than the usual are told here */
  end(): string {
    const whole = inputIn(this.#json)
    if (whole === undefined || !whole.startsWith(this.text)) return ''
    const rest = whole.slice(this.text.length)
    this.text = whole
    return rest
  }

  /** How far the text can be read: an escape is read whole, and so is a pair of them. */
  #readable(): number {
    const text = this.#unread
    for (let i = 0; i < text.length; ) {
      if (text[i] === '"') {
        this.#state = 'behind'
        return i
      }
      const length = text[i] === '\\' ? escapeLength(text.slice(i, i + 12)) : 1
      if (length === undefined) return i
      i += length
    }
    return text.length
  }
}

/** Of the escape at a text's beginning; undefined where more of it is to come. */
function escapeLength(text: string): number | undefined {
  if (text.length < 2) return undefined
  if (text[1] !== 'u') return 2
  if (text.length < 6) return undefined
  const isHighSurrogate = /^\\u[dD][89abAB]/.test(text)
  if (!isHighSurrogate || (text.length > 6 && text[6] !== '\\')) return 6
  if (text.length > 7 && text[7] !== 'u') return 6
  return text.length < 12 ? undefined : 12
}

/** A string's inside. Nothing where it is no JSON, which a grammar does not let happen. */
function textOf(inside: string): string {
  const text = jsonIn(`"${inside}"`)
  return typeof text === 'string' ? text : ''
}

/** What is no JSON with an input is one itself; undefined where it was cut. */
function inputIn(json: string): string | undefined {
  const value = jsonIn(json)
  if (value === undefined) return undefined
  const { input } = (value ?? {}) as { input?: unknown }
  return typeof input === 'string' ? input : json
}
