import { type Answer, json } from '../../web/answer.js'
import type { Call } from '../../web/call.js'
import { checkName, type Models } from '../../web/models.js'
import type { Service } from '../api.js'

/** GET /v1/models */
export function listModels(service: Service): Answer {
  const models = service.models()
  return json(200, { object: 'list', data: models.names.map((id) => entry(id, models)) })
}

/** GET /v1/models/{id} */
export function oneModel(service: Service, _: Call, id: string): Answer {
  const models = service.models()
  checkName(id, models)
  return json(200, entry(id, models))
}

function entry(id: string, { engine: { model, settings }, created }: Models) {
  return {
    id,
    object: 'model',
    created,
    owned_by: 'sluice',
    // What clients of llama-server read there, by its names.
    meta: {
      n_vocab: model.vocabulary,
      n_ctx: settings.context,
      n_ctx_train: model.trainedContext,
      n_params: model.parameters,
      size: model.bytes,
    },
  }
}
