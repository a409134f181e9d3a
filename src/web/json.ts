import { HttpError } from './errors.js'

/** Deepest nesting of arrays and objects in a request body. */
export const bodyDepthMax = 64

const quote = 0x22
const backslash = 0x5c

/**
 * A body's bytes as a value: UTF-8 without flaws, JSON, at most 64 deep. Any key is its own, also
 * `constructor` and `__proto__`: they are read as such, and never set on an object by assignment.
 */
export function parseJson(bytes: Uint8Array): unknown {
  const text = decodeUtf8(bytes)
  scan(text)
  return parse(text)
}

/** The same of a text, for example one within a body; undefined for what is not so, or no JSON. */
export function jsonIn(text: string): unknown {
  try {
    scan(text)
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function decodeUtf8(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch (cause) {
    throw new HttpError('invalid_request', 'Expected a body in UTF-8; it holds broken bytes.', {
      cause,
    })
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    const came = text.trim() === '' ? 'it is empty' : 'it is not JSON'
    throw new HttpError('invalid_request', `Expected a JSON object as the body, but ${came}.`, {
      cause,
    })
  }
}

/**
 * Looks at brackets before JSON.parse sees them: an array five million deep parses, and
 * holds the event loop for 1.9 s. Text that is not JSON may pass; JSON.parse comes next.
 */
function scan(text: string): void {
  let depth = 0
  for (let i = 0; i < text.length; i++) {
    const char = text.charCodeAt(i)
    if (char === quote) {
      i = endOfString(text, i)
    } else if (char === 0x5b || char === 0x7b) {
      if (++depth > bodyDepthMax) throw tooDeep()
    } else if (char === 0x5d || char === 0x7d) {
      depth--
    }
  }
}

/** The index of the quote that closes the string opened at `start`, or the text's end. */
function endOfString(text: string, start: number): number {
  for (let i = start + 1; i < text.length; i++) {
    const char = text.charCodeAt(i)
    if (char === backslash) i++
    else if (char === quote) return i
  }
  return text.length
}

export function tooDeep(): HttpError {
  return new HttpError(
    'invalid_request',
    `Expected arrays and objects nested at most ${bodyDepthMax} deep; the body is deeper.`,
  )
}
