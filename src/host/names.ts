import { refused } from '../options/checks.js'
import { optionName } from '../options/spoken-names.js'
import { HttpError } from '../web/errors.js'
import type { ModelEntry } from './model-host.js'

/** Every name a model answers to, each once: its own, and its others. */
export function modelNames(own: string, others: readonly string[]): [string, ...string[]] {
  const further = new Set(others)
  further.delete(own)
  return [own, ...further]
}

/** The name that a reply bears: the one asked for, where it is the model's or an adapter's. */
export function nameOfReply(
  asked: string | undefined,
  { names, adapters }: Pick<ModelEntry, 'names' | 'adapters'>,
): string {
  const isKnown = asked !== undefined && (names.includes(asked) || adapters.includes(asked))
  return isKnown ? asked : names[0]
}

/**
 * A name stands for a model, or for an adapter of one.
 * @throws InvalidOptionError
 */
export function checkAdapterNames(names: readonly string[], adapters: readonly string[]): void {
  const taken = adapters.find((name) => names.includes(name))
  if (taken === undefined) return
  throw refused('lora', 'names that no model has', `'${taken}', which is a model's`)
}

export function modelNotFound(name: string, names: readonly string[]): HttpError {
  const known = names.map((one) => `'${one}'`).join(', ')
  const asked = name.length <= 100 ? name : `${name.slice(0, 100)}...`
  const message =
    `There is no model '${asked}' here; expected one of: ${known}. The server's owner can let it ` +
    `answer to any name (${optionName('anyModel')}).`
  return new HttpError('model', message, { field: 'model' })
}
