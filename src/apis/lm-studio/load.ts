import * as z from 'zod'
import type { RequestNote } from '../../api/types.js'
import { int32Max, integerFrom, trueOrFalse } from '../../options/checks.js'
import { type Answer, json } from '../../web/answer.js'
import type { Call } from '../../web/call.js'
import type { Service } from '../api.js'
import { checked, flag, optional, parseBody, wholeBody } from '../request.js'
import { configOf, typeOf } from './models.js'

const aName = z.string({ error: 'the name of a model' }).min(1, { error: 'the name of a model' })

/** POST /api/v1/models/load */
export const loadRequest = z.object(
  {
    model: aName,
    context_length: optional(checked(integerFrom(1, int32Max))),
    eval_batch_size: optional(checked(integerFrom(1, int32Max))),
    flash_attention: optional(checked(trueOrFalse)),
    num_experts: optional(checked(integerFrom(1, int32Max))),
    offload_kv_cache_to_gpu: optional(checked(trueOrFalse)),
    echo_load_config: flag(),
  },
  wholeBody,
)

/** POST /api/v1/models/unload */
export const unloadRequest = z.object({ instance_id: aName }, wholeBody)

/** POST /api/v1/models/load: answers once it is loaded, and at once where it is. */
export async function loadModel(service: Service, call: Call): Promise<Answer> {
  service.checkServing()
  const request = parseBody(loadRequest, await call.body(), call)
  const startedAt = performance.now()
  const { engine, name } = await service.lease(call, request.model, 'tokens')
  const seconds = (performance.now() - startedAt) / 1000
  const { model, settings } = engine
  call.note(notesOf(request, settings.context))
  return json(200, {
    type: typeOf({ model, context: settings.context }),
    instance_id: name,
    load_time_seconds: Math.round(seconds * 1000) / 1000,
    status: 'loaded',
    ...(request.echo_load_config ? { load_config: configOf({ model, settings }) } : {}),
  })
}

/** What a load comes to is the server's owner's affair. */
function notesOf(request: z.output<typeof loadRequest>, context: number): RequestNote[] {
  const { context_length, eval_batch_size, flash_attention, num_experts } = request
  const { offload_kv_cache_to_gpu } = request
  const settled = { eval_batch_size, flash_attention, num_experts, offload_kv_cache_to_gpu }
  const fields = Object.entries(settled).filter(([, value]) => value !== undefined)
  const message = 'settled when the server was started, so it had no effect'
  const notes: RequestNote[] = fields.map(([path]) => ({ path, message }))
  if (context_length === undefined || context_length === context) return notes
  return [{ path: 'context_length', message: `it is ${context}, ${message}` }, ...notes]
}

/** POST /api/v1/models/unload: of a model in use, once that has ended. */
export async function unloadModel(service: Service, call: Call): Promise<Answer> {
  service.checkServing()
  const { instance_id } = parseBody(unloadRequest, await call.body(), call)
  service.host.unload(instance_id)
  return json(200, { instance_id })
}
