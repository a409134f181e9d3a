import { createHash } from 'node:crypto'
import type { EngineSettings, ModelInfo } from '../api/types.js'
import { binding } from '../binding/binding.js'
import type { Engine } from '../engine/engine.js'
import { type Models, modelNames } from '../web/models.js'
import type { ListenerSettings } from './options.js'

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
  }
}

/** Changes when the same seed may give another text: other weights, engine or KV cache. */
export function systemFingerprint(
  model: ModelInfo,
  settings: Pick<EngineSettings, 'context' | 'kvType' | 'gpu' | 'gpuLayers'>,
  engineVersion: string,
): string {
  const { id, name, description, parameters, bytes } = model
  const { context, kvType, gpu, gpuLayers } = settings
  const place = gpu === false ? [] : [gpu, gpuLayers]
  const own = [id, name, description, parameters, bytes]
  const parts = [...own, context, kvType, engineVersion, ...place]
  const digest = createHash('sha256').update(JSON.stringify(parts)).digest('hex')
  return `fp_${digest.slice(0, 10)}`
}
