import type { ErrorWords, HttpError } from '../../../web/errors.js'
import { chatWords } from '../chat/schema.js'

/**
 * A chat's words, and the request's own: a message is one of its items, or several.
 * @param places where the request has each message
 */
export function responseWords(
  words: ErrorWords,
  request: Parameters<typeof chatWords>[1],
  places: readonly string[],
): ErrorWords {
  return placedWords(chatWords(words, request), places)
}

/** The same words, with the request's places of messages. */
export function placedWords(words: ErrorWords, places: readonly string[]): ErrorWords {
  return { ...words, named: (error) => inWords(words.named(error), places) }
}

function inWords(error: HttpError, places: readonly string[]): HttpError {
  const { field, message } = error
  if (field === undefined) return error
  const [path, number] = /^messages\[(\d+)\][\w.[\]]*/.exec(field) ?? []
  if (path === undefined) return error
  const place = places[Number(number)] ?? 'input'
  return error.at(place, message.replaceAll(path, place))
}
