import type { ErrorWords, HttpError } from '../web/errors.js'

/** What an error blames, by the request's own names: see toolWords for its tools. */

/**
 * The same words, and the request's own for where its messages stand.
 * @param places where the request has each message of the engine's, or of a state
 */
export function placeWords(words: ErrorWords, places: readonly string[]): ErrorWords {
  return { ...words, named: (error) => inPlaces(words.named(error), places) }
}

function inPlaces(error: HttpError, places: readonly string[]): HttpError {
  const { field = '', message } = error
  const [path = '', number] = /^(?:messages|state)\[(\d+)\][\w.[\]]*/.exec(field) ?? []
  const place = places[Number(number)]
  return place === undefined ? error : error.at(place, message.replaceAll(path, place))
}

/**
 * The same words, and the field of a form that the engine refuses, or gives up.
 * @param field undefined where none was asked for: then the tools' schemas are too large together
 */
export function formWords(words: ErrorWords, field: string | undefined): ErrorWords {
  const named = (error: HttpError) => {
    if (error.place === undefined || !('schema' in error.place)) return words.named(error)
    return words.named(error.at(field ?? 'tools'))
  }
  return { ...words, named }
}
