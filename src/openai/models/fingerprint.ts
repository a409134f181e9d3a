import { createHash } from 'node:crypto'
import type { EngineSettings, ModelInfo } from '../../api/types.js'

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
