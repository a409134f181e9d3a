import type { ModelInfo } from '../api/types.js'
import type { Engine } from '../engine/engine.js'
import type { Call } from './call.js'
import { HttpError } from './errors.js'
import type { ScopedEngine } from './scoped-engine.js'

/** The model that is served, by each of its names. */
export interface Models {
  readonly engine: Engine
  readonly names: readonly string[]
  /** Whether it answers to any other name as well. */
  readonly isAny: boolean
  /** Unix seconds. */
  readonly created: number
  readonly fingerprint: string
}

/** The name that always means the model that is there. */
const defaultName = 'default'

/** Every name a model answers to: its file's, its aliases, and `default`. */
export function modelNames(model: Pick<ModelInfo, 'id'>, aliases: readonly string[]): string[] {
  return [...new Set([model.id, ...aliases, defaultName])]
}

/** What a request says of the model; nothing, or '', means the one that is there. */
type Asked = string | undefined

/** The engine behind a name, for one call, or a 404 that tells the names there are. */
export function engineNamed(name: Asked, models: Models, call: Call): ScopedEngine {
  checkName(name, models)
  return call.scope(models.engine)
}

/** The name that a reply bears: the one that was asked for, where it is one of the model's. */
export function nameOfReply(asked: Asked, { names }: Models): string {
  return asked !== undefined && names.includes(asked) ? asked : (names[0] ?? defaultName)
}

/** Throws a 404 that tells the names there are, for any other. */
export function checkName(name: Asked, { names, isAny }: Models): void {
  if (isAny || name === undefined || name === '' || names.includes(name)) return
  throw modelNotFound(name, names)
}

/** The same of one that generates text, or a 400. */
export function generatorNamed(name: Asked, models: Models, call: Call): ScopedEngine {
  const engine = engineNamed(name, models, call)
  if (engine.model.embedding === undefined) return engine
  throw new HttpError(
    'invalid_request',
    `The model '${models.names[0]}' embeds and writes no text; ask it at /v1/embeddings.`,
    { field: 'model' },
  )
}

/** The same of one that embeds, or a 400. */
export function embedderNamed(name: Asked, models: Models, call: Call): ScopedEngine {
  const engine = engineNamed(name, models, call)
  if (engine.model.embedding !== undefined) return engine
  throw new HttpError(
    'invalid_request',
    `The model '${models.names[0]}' writes text and has no embeddings; serve an embedding model.`,
    { field: 'model' },
  )
}

function modelNotFound(name: string, names: readonly string[]): HttpError {
  const known = names.map((one) => `'${one}'`).join(', ')
  const asked = name.length <= 100 ? name : `${name.slice(0, 100)}...`
  const message =
    `There is no model '${asked}' here; expected one of: ${known}. The server's owner can let it ` +
    'answer to any name (--any-model).'
  return new HttpError('model', message, { field: 'model' })
}
