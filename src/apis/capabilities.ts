import { abilityOf } from '../api/ability.js'
import type { KnownModel } from '../api/models-types.js'

/** What a model can do, by Ollama's names, and `rerank`, which it has not. */
export function capabilitiesOf(model: KnownModel['model']): string[] {
  const does = abilityOf(model)
  if (does !== 'text') return [does === 'ranks' ? 'rerank' : 'embedding']
  const { canCallTools = false, canThink = false, canInfill = false } = model
  return [
    'completion',
    ...(canCallTools ? ['tools'] : []),
    ...(canThink ? ['thinking'] : []),
    ...(canInfill ? ['insert'] : []),
  ]
}
