import { binding } from '../binding/binding.js'
import type { Engine } from '../engine/engine.js'
import { systemFingerprint } from '../openai/models/fingerprint.js'
import { defaultName, modelNames, modelNotFound } from '../openai/models/names.js'
import { type ModelMeta, modelMeta } from '../openai/models/reply.js'
import type { Call } from '../web/call.js'
import { HttpError } from '../web/errors.js'
import type { ScopedEngine } from '../web/scoped-engine.js'
import type { ListenerSettings } from './options.js'

/** The model that is served, by each of its names. */
export interface Models {
  readonly engine: Engine
  readonly names: readonly string[]
  /** Whether it answers to any other name as well. */
  readonly isAny: boolean
  /** Unix seconds. */
  readonly created: number
  readonly fingerprint: string
  readonly meta: ModelMeta
}

export function hostedModels(
  engine: Engine,
  { aliases, anyModel }: Pick<ListenerSettings, 'aliases' | 'anyModel'>,
): Models {
  const { model, settings } = engine
  return {
    engine,
    names: modelNames(model, aliases),
    isAny: anyModel,
    created: Math.floor(Date.now() / 1000),
    fingerprint: systemFingerprint(model, settings, binding().llamaCppVersion),
    meta: modelMeta(model, settings),
  }
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
