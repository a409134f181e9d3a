import { createHash } from 'node:crypto'
import path from 'node:path'
import { type Ability, abilityOf } from '../api/ability.js'
import type { EngineSettings, ModelInfo } from '../api/types.js'
import { binding } from '../binding/binding.js'
import type { Engine } from '../engine/engine.js'
import { HttpError } from '../web/errors.js'
import type { LoadedModel, ModelEntry, Need } from './model-host.js'

/** An engine as a host hands it out. */
export function loadedModel(engine: Engine, names: ModelEntry['names']): LoadedModel {
  const { model, settings } = engine
  const fingerprint = systemFingerprint(model, settings, binding().llamaCppVersion)
  const adapters = settings.lora.map(({ name }) => name)
  return { names, adapters, model, settings, engine, fingerprint }
}

/** Changes when the same seed may give another text: other weights, engine or KV cache. */
export function systemFingerprint(
  model: ModelInfo,
  settings: Pick<EngineSettings, 'context' | 'kvType' | 'gpu' | 'gpuLayers' | 'lora'>,
  engineVersion: string,
): string {
  const { id, name, description, parameters, bytes } = model
  const { context, kvType, gpu, gpuLayers, lora } = settings
  const place = gpu === false ? [] : [gpu, gpuLayers]
  const own = [id, name, description, parameters, bytes]
  const adapters = lora.map(({ name, file, scale }) => [name, path.basename(file), scale])
  const parts = [...own, context, kvType, engineVersion, ...place, ...adapters]
  return printOf(parts)
}

/** The same where requests get adapters that they do not ask for; a scale of 0 changes no text. */
export function adaptedFingerprint(
  fingerprint: string,
  scales: Readonly<Record<string, number>>,
): string {
  const applied = Object.entries(scales).filter(([, scale]) => scale !== 0)
  return applied.length === 0 ? fingerprint : printOf([fingerprint, ...applied.sort()])
}

function printOf(parts: readonly unknown[]): string {
  const digest = createHash('sha256').update(JSON.stringify(parts)).digest('hex')
  return `fp_${digest.slice(0, 10)}`
}

/** Throws a 400 where a model is asked for what it does not do. */
export function checkNeed(name: string, model: Pick<ModelInfo, 'embedding'>, need: Need): void {
  const does = abilityOf(model)
  if (need === 'tokens' || need === does) return
  const message = `The model '${name}' ${abilityWords[does]}`
  throw new HttpError('invalid_request', message, { field: 'model' })
}

/** What a model does, and where it is asked for that. */
const abilityWords: Record<Ability, string> = {
  text: 'writes text, and neither embeds nor ranks; ask for a model that is made for that.',
  embeddings: 'embeds, and neither writes text nor ranks; ask it at /v1/embeddings.',
  ranks: 'ranks documents, and neither writes text nor embeds; ask it at /v1/rerank.',
}

/** The 400 of a load that has nothing to do. */
export function alreadyLoaded({ names: [name] }: Pick<ModelEntry, 'names'>): HttpError {
  return new HttpError('invalid_request', `The model '${name}' is loaded already.`, {
    field: 'model',
  })
}
