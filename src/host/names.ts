import { optionName } from '../options/spoken-names.js'
import { HttpError } from '../web/errors.js'
import type { ModelEntry } from './model-host.js'

/** Every name a model answers to, each once: its own, and its others. */
export function modelNames(own: string, others: readonly string[]): [string, ...string[]] {
  const further = new Set(others)
  further.delete(own)
  return [own, ...further]
}

/** The name that a reply bears: the one that was asked for, where it is one of the model's. */
export function nameOfReply(
  asked: string | undefined,
  { names }: Pick<ModelEntry, 'names'>,
): string {
  return asked !== undefined && names.includes(asked) ? asked : names[0]
}

export function modelNotFound(name: string, names: readonly string[]): HttpError {
  const known = names.map((one) => `'${one}'`).join(', ')
  const asked = name.length <= 100 ? name : `${name.slice(0, 100)}...`
  const message =
    `There is no model '${asked}' here; expected one of: ${known}. The server's owner can let it ` +
    `answer to any name (${optionName('anyModel')}).`
  return new HttpError('model', message, { field: 'model' })
}
