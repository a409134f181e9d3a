import { isIntegerArray } from '../api/realms.js'
import { int32Max, isNumber } from './checks.js'

/** Texts and token ids of one request at most, as OpenAI has it. */
export const inputsMax = 2048
/** Tokens of one input at most, whatever the model takes. */
const tokensMax = 2 ** 24

/** A text, or token ids as they are. */
export type Input = string | Int32Array

/** What is wrong with an input, and where: `[3]` is its fourth one. */
interface InputProblem {
  readonly path: readonly number[]
  readonly expected: string
}

const ids = 'token ids (whole numbers from 0 on)'

/**
 * Texts and token ids of any form as a list. One array is read as token ids where its first item
 * is a number. Half a million ids fit into a body: nothing here is done for each of them but a
 * comparison.
 * @param emptyTexts whether a text may be empty
 */
export function readInputs(input: unknown, { emptyTexts = false } = {}): Input[] | InputProblem {
  const aText = emptyTexts ? 'a string' : 'a string that is not empty'
  const isOne = typeof input === 'string' || isIds(input)
  const all: unknown = isOne ? [input] : input
  if (!Array.isArray(all) || all.length === 0 || all.length > inputsMax) {
    const either = `${aText}, an array of ${ids}, or an array of 1 to ${inputsMax} of either`
    return { path: [], expected: either }
  }
  const read: Input[] = []
  for (const [i, one] of all.entries()) {
    const problem = typeof one === 'string' ? textProblem(one, aText, emptyTexts) : idsProblem(one)
    if (problem !== undefined) {
      const expected = problem.expected ?? `${aText}, or an array of ${ids}`
      return { expected, path: isOne ? problem.path : [i, ...problem.path] }
    }
    read.push(typeof one === 'string' ? one : Int32Array.from(one as ArrayLike<number>))
  }
  return read
}

/** `[3][0]`, below the field's name. */
export function pathBelow(path: readonly number[]): string {
  return path.map((i) => `[${i}]`).join('')
}

function textProblem(text: string, aText: string, mayBeEmpty: boolean) {
  return text === '' && !mayBeEmpty ? { path: [], expected: aText } : undefined
}

/** Without `expected` it is neither form. */
function idsProblem(input: unknown): { path: number[]; expected?: string } | undefined {
  if (!isIds(input)) return { path: [] }
  const tokens = input as ArrayLike<unknown>
  if (tokens.length === 0 || tokens.length > tokensMax) {
    return { path: [], expected: `1 to ${tokensMax} ${ids}` }
  }
  for (let i = 0; i < tokens.length; i++) {
    const isId = Number.isInteger(tokens[i]) && isNumber(tokens[i], 0, int32Max)
    if (!isId) return { path: [i], expected: `a token id from 0 to ${int32Max}` }
  }
  return undefined
}

function isIds(input: unknown): boolean {
  return isIntegerArray(input) || (Array.isArray(input) && typeof input[0] === 'number')
}
