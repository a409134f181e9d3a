import type { DecisionQuestion, DescribedChoice } from '../../api/decision-types.js'
import { cut } from '../../api/show.js'
import { decisionOptionsMax } from '../decide-options.js'
import { isRecord } from './tool-choice.js'

/**
 * Questions of a decision in TypeSafe's words and in the AI SDK's: all of them have `criteria`, and
 * what these and the instructions say may be any JSON.
 */

interface Problem {
  readonly expected: string
  readonly path: readonly (string | number)[]
}

const typeError = '"noul" (or "boolean"), "choice" or "score"'
const questionError = 'a question (an object with a type)'

/** A text, or JSON that is told as it is; null is nothing. */
export function textOf(entry: unknown): string | undefined {
  if (entry === undefined || entry === null) return undefined
  return typeof entry === 'string' ? entry : JSON.stringify(entry)
}

/** What is decided about where it is said to be JSON: null is a value then, and said as one. */
export function textOfJson(value: unknown): string {
  return textOf(value) ?? 'null'
}

/** A question in the engine's words, or what is wrong with it. */
export function readQuestion(given: unknown): DecisionQuestion | Problem {
  if (!isRecord(given)) return { expected: questionError, path: [] }
  const instructions = textOf(given.instructions)
  const { type, criteria } = given
  switch (type) {
    // The AI SDK's own word for it is taken as well.
    case 'noul':
    case 'boolean':
      return noul(instructions, criteria)
    case 'choice':
      return choice(instructions, criteria)
    case 'score':
      return score(instructions, criteria)
    default:
      return { expected: typeError, path: ['type'] }
  }
}

function noul(instructions: string | undefined, criteria: unknown): DecisionQuestion | Problem {
  const expected = 'an object such as {"true": "...", "false": "..."}'
  if (criteria !== undefined && criteria !== null && !isRecord(criteria)) {
    return { expected, path: ['criteria'] }
  }
  const [yes, no] = [textOf(criteria?.true), textOf(criteria?.false)]
  const told = [
    instructions,
    yes === undefined ? undefined : `Yes means: ${yes}`,
    no === undefined ? undefined : `No means: ${no}`,
  ].filter((text) => text !== undefined && text !== '')
  if (told.length === 0) return { expected: 'a question or a statement', path: ['instructions'] }
  return { type: 'predicate', instructions: told.join('\n') }
}

function choice(instructions: string | undefined, criteria: unknown): DecisionQuestion | Problem {
  if (!isRecord(criteria)) return { expected: 'an object of options', path: ['criteria'] }
  if (Object.keys(criteria).length > decisionOptionsMax) return tooMany('an object')
  const choices = Object.entries(criteria).map(([value, entry]): DescribedChoice => {
    const description = textOf(entry)
    return { value, ...(description === undefined ? {} : { description }) }
  })
  return { type: 'choice', ...(instructions === undefined ? {} : { instructions }), choices }
}

function score(instructions: string | undefined, criteria: unknown): DecisionQuestion | Problem {
  if (!Array.isArray(criteria)) return { expected: 'an array of levels', path: ['criteria'] }
  if (criteria.length > decisionOptionsMax) return tooMany('an array')
  const levels = criteria.map((entry, i) => textOf(entry) ?? `level ${i}`)
  return { type: 'score', ...(instructions === undefined ? {} : { instructions }), levels }
}

/** Millions fit into a body: they are counted before they are read. */
function tooMany(what: string): Problem {
  return { expected: `${what} of 1 to ${decisionOptionsMax} options`, path: ['criteria'] }
}

/**
 * What the engine says of one of its questions, in the words of a request that has them by names
 * and with criteria. Undefined where it is about nothing of them.
 * @param option the engine's path, for example `questions[2].choices[0].value`
 * @param names of the questions, in their order
 */
export function inCriteriaWords(
  option: string,
  message: string,
  names: readonly string[],
): { readonly path: string; readonly message: string } | undefined {
  const [path, number, options] = /^questions\[(\d+)\](\.choices|\.levels)?/.exec(option) ?? []
  if (path === undefined) return undefined
  const question = `questions.${cut(names[Number(number)] ?? String(number))}`
  const own = options === undefined ? question : `${question}.criteria`
  const words = options === '.choices' ? asObject(message) : message
  // By a function, as a name may have a $ in it.
  return { path: own + option.slice(path.length), message: words.replace(path, () => own) }
}

/** The options of a choice are an object there. */
function asObject(message: string): string {
  return message
    .replace('expected an array of', 'expected an object of')
    .replace('got an array of', 'got an object of')
}
