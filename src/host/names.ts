import type { ModelInfo } from '../api/types.js'
import { optionName } from '../options/spoken-names.js'
import { defaultName } from '../pool/models.js'
import { HttpError } from '../web/errors.js'
import type { ModelEntry } from './model-host.js'

export { defaultName }

/** Every name a model answers to: its file's, its aliases, and `default`. */
export function modelNames(
  { id }: Pick<ModelInfo, 'id'>,
  aliases: readonly string[],
): [string, ...string[]] {
  const others = new Set([...aliases, defaultName])
  others.delete(id)
  return [id, ...others]
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
