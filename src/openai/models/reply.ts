import type { EngineSettings, ModelInfo } from '../../api/types.js'

/** One entry of GET /v1/models. */
interface ModelEntry {
  readonly id: string
  readonly object: 'model'
  /** Unix seconds. */
  readonly created: number
  readonly owned_by: 'sluice'
  readonly meta: ModelMeta
}

/** What clients of llama-server read there, by its names. */
export interface ModelMeta {
  readonly n_vocab: number
  /** Tokens of one conversation, prompt and reply together. */
  readonly n_ctx: number
  readonly n_ctx_train: number
  readonly n_params: number
  /** Bytes of the weights. */
  readonly size: number
}

export function modelMeta(model: ModelInfo, settings: Pick<EngineSettings, 'context'>): ModelMeta {
  return {
    n_vocab: model.vocabulary,
    n_ctx: settings.context,
    n_ctx_train: model.trainedContext,
    n_params: model.parameters,
    size: model.bytes,
  }
}

export function modelEntry(id: string, created: number, meta: ModelMeta): ModelEntry {
  return { id, object: 'model', created, owned_by: 'sluice', meta }
}

export function modelList(ids: readonly string[], created: number, meta: ModelMeta) {
  return { object: 'list' as const, data: ids.map((id) => modelEntry(id, created, meta)) }
}
