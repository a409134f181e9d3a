import { type Ability, abilityOf } from '../../api/ability.js'
import { describedModel, parametersText, quantName } from '../../api/model-description.js'
import type { KnownModel } from '../../api/models-types.js'
import type { LoadedModel, ModelEntry } from '../../host/model-host.js'
import { type Answer, json } from '../../web/answer.js'
import type { Call } from '../../web/call.js'
import type { Service } from '../api.js'

/** GET /api/v0/models */
export function listModelsOfV0(service: Service): Answer {
  service.checkServing()
  const data = service.host.entries().flatMap((entry) => {
    return [...entry.names, ...entry.adapters].map((name) => entryOfV0(name, entry))
  })
  return json(200, { object: 'list', data })
}

/** GET /api/v0/models/{id} */
export function oneModelOfV0(service: Service, _: Call, id: string): Answer {
  service.checkServing()
  return json(200, entryOfV0(id, service.host.find(id)))
}

/** A reranker is none of its types; it is listed as what it is closest to. */
const typesOfV0: Record<Ability, string> = { text: 'llm', embeddings: 'embeddings', ranks: 'llm' }

/** The longest context is the one that is served, as clients fill it. */
function entryOfV0(id: string, { known, state }: ModelEntry) {
  const isLoaded = state === 'loaded'
  return {
    id,
    object: 'model',
    type: known === undefined ? 'llm' : typesOfV0[abilityOf(known.model)],
    publisher: publisherOf(id),
    arch: known === undefined ? '' : describedModel(known.model).architecture,
    compatibility_type: 'gguf',
    quantization: quantOf(known) ?? '',
    state: isLoaded ? 'loaded' : 'not-loaded',
    ...(known === undefined ? {} : { max_context_length: known.context }),
    ...(known === undefined || !isLoaded ? {} : { loaded_context_length: known.context }),
    capabilities: known?.model.canCallTools === true ? ['tool_use'] : [],
  }
}

/** GET /api/v1/models: each model once, by its own name. */
export function listModels(service: Service): Answer {
  service.checkServing()
  const loaded = new Map(service.host.loaded().map((model) => [model.names[0], model]))
  const models = service.host.entries().map((entry) => {
    const isLoaded = entry.state === 'loaded'
    return entryOf(entry, isLoaded ? loaded.get(entry.names[0]) : undefined)
  })
  return json(200, { models })
}

/** LM Studio's word for what a model is. */
export function typeOf(known: KnownModel | undefined): 'llm' | 'embedding' {
  const isEmbedder = known !== undefined && abilityOf(known.model) === 'embeddings'
  return isEmbedder ? 'embedding' : 'llm'
}

function entryOf({ names: [key], known }: ModelEntry, loaded: LoadedModel | undefined) {
  const type = typeOf(known)
  return {
    type,
    publisher: publisherOf(key),
    key,
    display_name: known?.model.name ?? key,
    ...(type === 'llm' && known !== undefined
      ? { architecture: describedModel(known.model).architecture }
      : {}),
    quantization: quantizationOf(known),
    size_bytes: known?.model.bytes ?? 0,
    params_string: known === undefined ? null : parametersText(known.model.parameters),
    loaded_instances: loaded === undefined ? [] : [{ id: key, config: configOf(loaded) }],
    max_context_length: known?.context ?? 0,
    format: 'gguf',
    ...(type === 'llm' ? { capabilities: capabilitiesOf(known), description: null } : {}),
  }
}

/** The settings that a model is loaded with, by LM Studio's names. */
export function configOf({ model, settings }: Pick<LoadedModel, 'model' | 'settings'>) {
  const { context, parallel, flashAttention, gpu } = settings
  if (abilityOf(model) === 'embeddings') return { context_length: context }
  return {
    context_length: context,
    parallel,
    ...(flashAttention === 'auto' ? {} : { flash_attention: flashAttention }),
    offload_kv_cache_to_gpu: gpu !== false,
  }
}

function capabilitiesOf(known: KnownModel | undefined) {
  const { canCallTools = false, canThink = false } = known?.model ?? {}
  return {
    vision: false,
    trained_for_tool_use: canCallTools,
    ...(canThink ? { reasoning: { allowed_options: ['off', 'on'], default: 'on' } } : {}),
  }
}

function quantizationOf(known: KnownModel | undefined) {
  const name = quantOf(known)
  if (name === undefined) return null
  const [, bits] = /^I?Q(\d+)_|^B?F(\d+)$/.exec(name)?.filter((one) => one !== undefined) ?? []
  return { name, bits_per_weight: bits === undefined ? null : Number(bits) }
}

function quantOf(known: KnownModel | undefined): string | undefined {
  return known === undefined ? undefined : quantName(describedModel(known.model).quant)
}

/** Whose a model is, by what stands before the slash of its name. */
function publisherOf(name: string): string {
  return /([^/:]+)\/[^/]*$/.exec(name)?.[1] ?? 'local'
}
