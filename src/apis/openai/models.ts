import type { KnownModel, ModelState } from '../../api/models-types.js'
import type { ModelEntry } from '../../host/model-host.js'
import { type Answer, json } from '../../web/answer.js'
import type { Call } from '../../web/call.js'
import type { Service } from '../api.js'
import { capabilitiesOf } from '../capabilities.js'

/** GET /v1/models */
export function listModels(service: Service): Answer {
  service.checkServing()
  const models = service.host.entries()
  const data = models.flatMap((model) => {
    return [...model.names, ...model.adapters].map((id) => entry(id, model))
  })
  return json(200, { object: 'list', data })
}

/** GET /v1/models/{id} */
export function oneModel(service: Service, _: Call, id: string): Answer {
  service.checkServing()
  return json(200, entry(id, service.host.find(id)))
}

function entry(id: string, { names, adapters, known, state, created }: ModelEntry) {
  return {
    id,
    object: 'model',
    created,
    owned_by: 'sluice',
    ...(adapters.includes(id) ? { parent: names[0] } : {}), // as vLLM has it
    state,
    status: statusOf(state),
    ...(known === undefined ? {} : toldOf(known)),
  }
}

/** As llama-server's router has it. */
function statusOf(state: ModelState) {
  return state === 'failed' ? { value: 'unloaded', failed: true } : { value: state }
}

function toldOf({ model, context }: KnownModel) {
  return {
    max_model_len: context, // vLLM's name
    capabilities: capabilitiesOf(model),
    // What clients of llama-server read there, by its names.
    meta: {
      n_vocab: model.vocabulary,
      n_ctx: context,
      n_ctx_train: model.trainedContext,
      n_params: model.parameters,
      size: model.bytes,
    },
  }
}
