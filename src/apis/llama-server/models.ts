import * as z from 'zod'
import { type Answer, json } from '../../web/answer.js'
import type { Call } from '../../web/call.js'
import type { Service } from '../api.js'
import { parseBody, wholeBody } from '../request.js'

/** Fields and answers as llama-server's router has them. */
export const modelRequest = z.object(
  { model: z.string({ error: 'the name of a model' }).min(1, { error: 'the name of a model' }) },
  wholeBody,
)

/** POST /models/load: begins, and is answered at once. GET /models tells what comes of it. */
export async function loadModel(service: Service, call: Call): Promise<Answer> {
  service.host.load(await named(service, call))
  return json(200, { success: true })
}

/** POST /models/unload: of a model in use, once that has ended; of a load under way, at once. */
export async function unloadModel(service: Service, call: Call): Promise<Answer> {
  service.host.unload(await named(service, call))
  return json(200, { success: true })
}

async function named(service: Service, call: Call): Promise<string> {
  service.checkServing()
  return parseBody(modelRequest, await call.body(), call).model
}
