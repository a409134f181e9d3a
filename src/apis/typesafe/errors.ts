import { cut } from '../../api/show.js'
import type { ErrorWords, HttpError } from '../../web/errors.js'

/** What is wrong, in one text, as TypeSafe's clients show it. */
export interface ErrorBody {
  readonly detail: string
}

export const errorWords: ErrorWords = {
  challenge: 'Bearer',
  named: (error) => error,
  body: ({ message }): ErrorBody => ({ detail: message }),
  status,
}

/** A body whose fields are wrong is TypeSafe's 422; what is no such body is a 400. */
function status({ kind, status, field }: HttpError): number {
  return kind === 'invalid_request' && field !== undefined ? 422 : status
}

/**
 * The engine numbers questions and has choices and levels; a request has names and criteria.
 * @param ids of the questions, in their order
 */
export function wordsFor(ids: readonly string[]): ErrorWords {
  return { ...errorWords, named: (error) => named(error, ids) }
}

function named(error: HttpError, ids: readonly string[]): HttpError {
  const { place, message } = error
  if (place === undefined) return error
  if ('input' in place) return error.at('state')
  if ('schema' in place) return error.at(place.schema)
  const { option } = place
  const [path = '', number, options] = /^questions\[(\d+)\](\.choices|\.levels)?/.exec(option) ?? []
  if (path === '') return error.at(option.replace(/^state\[\d+\].*/, 'state'))
  const question = `questions.${cut(ids[Number(number)] ?? String(number))}`
  const own = options === undefined ? question : `${question}.criteria`
  const words = options === undefined ? message : asObject(message, options)
  // By a function, as a name may have a $ in it.
  return error.at(
    own + option.slice(path.length),
    words.replace(path, () => own),
  )
}

/** The options of a choice are an object here. */
function asObject(message: string, options: string): string {
  if (options !== '.choices') return message
  return message
    .replace('expected an array of', 'expected an object of')
    .replace('got an array of', 'got an object of')
}
