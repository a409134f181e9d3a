import { modelEntry, modelList } from '../../openai/models/reply.js'
import { type Answer, json } from '../../web/answer.js'
import type { Call } from '../../web/call.js'
import type { App } from '../app.js'
import { checkName } from '../models.js'

/** GET /v1/models */
export function listModels(app: App): Answer {
  const { names, created, meta } = app.models()
  return json(200, modelList(names, created, meta))
}

/** GET /v1/models/{id} */
export function oneModel(app: App, _: Call, id: string): Answer {
  const models = app.models()
  checkName(id, models)
  return json(200, modelEntry(id, models.created, models.meta))
}
