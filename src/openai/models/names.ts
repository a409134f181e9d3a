import type { ModelInfo } from '../../api/types.js'
import { HttpError } from '../../web/errors.js'

/** The name that always means the model that is there. */
export const defaultName = 'default'

/** Every name a model answers to: its file's, its aliases, and `default`. */
export function modelNames(model: Pick<ModelInfo, 'id'>, aliases: readonly string[]): string[] {
  return [...new Set([model.id, ...aliases, defaultName])]
}

export function modelNotFound(name: string, names: readonly string[]): HttpError {
  const known = names.map((one) => `'${one}'`).join(', ')
  const asked = name.length <= 100 ? name : `${name.slice(0, 100)}...`
  const message =
    `There is no model '${asked}' here; expected one of: ${known}. The server's owner can let it ` +
    'answer to any name (--any-model).'
  return new HttpError('model', message, { field: 'model' })
}
