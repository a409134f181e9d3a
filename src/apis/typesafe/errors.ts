import { inCriteriaWords } from '../../options/other-words/criteria-questions.js'
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
  const words = inCriteriaWords(option, message, ids)
  if (words === undefined) return error.at(option.replace(/^state\[\d+\].*/, 'state'))
  return error.at(words.path, words.message)
}
