import { refused } from './checks.js'

/**
 * llama.cpp looks through an object's names from the first for each that it adds, so what an object
 * takes grows with the square of their number: 0.7 s for 10,000, 4 s for 30,000.
 */
export const nameSquaresMax = 10_000 ** 2

/** What may still be taken of it by all objects of a request. */
export interface NameBudget {
  left: number
}

/** @throws InvalidOptionError where these are more than what is left */
export function takeNames(budget: NameBudget, squares: number, at: string): void {
  budget.left -= squares
  if (budget.left >= 0) return
  const expected =
    'fewer names in its objects (send lists in their place): their numbers, squared, may come to ' +
    `${nameSquaresMax} for all together, as 10,000 names of one object do`
  throw refused(at, expected, String(nameSquaresMax - budget.left))
}

const quote = 0x22
const backslash = 0x5c
const colon = 0x3a
const [openObject, closeObject, openArray, closeArray] = [0x7b, 0x7d, 0x5b, 0x5d]
/** A name with its value and a comma: `"":1,`. */
const charactersOfName = 5

/**
 * The numbers of names of each object, squared and summed up, in JSON text that may be cut, or
 * hold the text of an object. Text that is neither an object nor an array has none.
 */
export function nameSquaresOf(json: string): number {
  // Shorter text has not enough of them to count.
  if (json.length < charactersOfName * 100) return 0
  const text = textWithin(json) ?? json
  if (!/^\s*[[{]/.test(text)) return 0
  const open: number[] = []
  let names = 0
  let squares = 0
  for (let i = 0; i < text.length; i++) {
    const character = text.charCodeAt(i)
    if (character === quote) i = endOfString(text, i)
    else if (character === colon) names++
    else if (character === openObject || character === openArray) {
      open.push(names)
      names = 0
    } else if (character === closeObject || character === closeArray) {
      squares += names ** 2
      names = open.pop() ?? 0
    }
  }
  return [...open, names].reduce((sum, one) => sum + one ** 2, squares)
}

/** Of JSON text that is one string. */
function textWithin(json: string): string | undefined {
  if (!/^\s*"/.test(json)) return undefined
  try {
    const text: unknown = JSON.parse(json)
    return typeof text === 'string' ? text : undefined
  } catch {
    return undefined // it cannot be read, so its names do not count
  }
}

function endOfString(text: string, start: number): number {
  for (let i = start + 1; i < text.length; i++) {
    const character = text.charCodeAt(i)
    if (character === backslash) i++
    else if (character === quote) return i
  }
  return text.length
}
