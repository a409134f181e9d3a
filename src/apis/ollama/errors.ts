import type { ErrorWords, HttpError } from '../../web/errors.js'
import { oneLine } from '../one-line.js'
import { wireName } from '../openai/option-names.js'

/** Ollama's error: one text, which names the field. */
interface ErrorBody {
  readonly error: string
}

export function errorBody({ message }: HttpError): ErrorBody {
  return { error: message }
}

/** An error after the headers: the last line, and no `done` follows. */
export function errorLine(error: HttpError): string {
  return line(errorBody(error))
}

export function line(value: object): string {
  return `${oneLine(value)}\n`
}

/** Names of the engine's options in a request, where they are none of `options`. */
const fields = new Map([
  ['reasoning.enabled', 'think'],
  ['reasoning.effort', 'think'],
  ['reasoning.budget', 'think'],
  ['logprobs', 'top_logprobs'],
  ['suffix', 'suffix'],
  ['fit', 'truncate'],
  ['dimensions', 'dimensions'],
  ['maxTokens', 'options.num_predict'],
])

/** @param prompt the field that is blamed where the engine cannot take it */
export function ollamaWords(prompt: string): ErrorWords {
  return { challenge: 'Bearer', named: (error) => named(error, prompt), body: errorBody }
}

function named(error: HttpError, prompt: string): HttpError {
  const { place, message } = error
  if (place === undefined) return error
  if ('input' in place) {
    const number = place.input === undefined ? '' : `[${place.input}]`
    return error.at(`${prompt}${number}`)
  }
  if ('schema' in place) return error.at(place.schema)
  const name = fieldOf(place.option)
  return error.at(
    name,
    message.replace(place.option, () => name),
  )
}

function fieldOf(option: string): string {
  const own = fields.get(option)
  if (own !== undefined) return own
  // What stands below is the request's own.
  if (!/^(messages|tools)\b/.test(option)) return `options.${wireName(option)}`
  return option.replace(/\.reasoning$/, '.thinking').replace(/\.toolCalls\b/, '.tool_calls')
}
