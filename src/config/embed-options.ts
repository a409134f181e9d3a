import type { EmbedOptions } from '../engine/types.js'
import { abortSignal, int32Max, integerFrom, isNumber, parseFields, wrong } from './checks.js'

/** Inputs of one request at most, as OpenAI has it. */
export const embedInputsMax = 2048
/** Tokens of one input at most, whatever the model takes. */
const tokensMax = 2 ** 24

/** What is wrong with an input, and where: `[3]` is its fourth one. */
export interface InputProblem {
  readonly path: readonly number[]
  readonly expected: string
}

const aText = 'a string that is not empty'
const ids = 'token ids (whole numbers from 0 on)'
const anyInput = `${aText}, an array of ${ids}, or an array of 1 to ${embedInputsMax} of either`

/**
 * An input of any form as a list of texts and token ids. One array is read as token ids where its
 * first item is a number.
 */
export function readEmbedInput(input: unknown): (string | Int32Array)[] | InputProblem {
  const isOne = typeof input === 'string' || isIds(input)
  const all: unknown = isOne ? [input] : input
  if (!Array.isArray(all) || all.length === 0 || all.length > embedInputsMax) {
    return { path: [], expected: anyInput }
  }
  const read: (string | Int32Array)[] = []
  for (const [i, one] of all.entries()) {
    const problem = problemOf(one)
    if (problem !== undefined) {
      return { expected: problem.expected, path: isOne ? problem.path : [i, ...problem.path] }
    }
    read.push(typeof one === 'string' ? one : Int32Array.from(one as ArrayLike<number>))
  }
  return read
}

/** @throws InvalidOptionError, with the path of what is wrong, for example `input[3]` */
export function parseEmbedInput(input: unknown): (string | Int32Array)[] {
  const read = readEmbedInput(input)
  if (Array.isArray(read)) return read
  const value = read.path.reduce<unknown>((at, i) => (at as ArrayLike<unknown>)[i], input)
  throw wrong(`input${read.path.map((i) => `[${i}]`).join('')}`, read.expected, value)
}

/**
 * @param size of the model's embeddings; undefined where it has none, which is told later
 * @throws InvalidOptionError, with the option's name
 */
export function parseEmbedOptions(input: unknown, size = int32Max): EmbedOptions {
  return parseFields<EmbedOptions>(input, {
    dimensions: integerFrom(1, size),
    signal: abortSignal,
  })
}

function isIds(input: unknown): boolean {
  return input instanceof Int32Array || (Array.isArray(input) && typeof input[0] === 'number')
}

function problemOf(input: unknown): InputProblem | undefined {
  if (typeof input === 'string' && input !== '') return undefined
  if (!isIds(input)) return { path: [], expected: `${aText}, or an array of ${ids}` }
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
