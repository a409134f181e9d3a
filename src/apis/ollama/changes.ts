import * as z from 'zod'
import { untagged } from '../../host/names.js'
import type { Answer } from '../../web/answer.js'
import type { Call } from '../../web/call.js'
import { HttpError } from '../../web/errors.js'
import type { Service } from '../api.js'
import { parseBody, wholeBody } from '../request.js'
import { namedFields, namedModel } from './fields.js'
import { checkAllowed } from './pull.js'

const nameError = 'the name of a model'
const aName = z.string({ error: nameError }).min(1, { error: nameError })

/** POST /api/copy */
export const copyRequest = z.object({ source: aName, destination: aName }, wholeBody)

/** POST /api/copy: one more name, for as long as the server runs. */
export async function copyModel(service: Service, call: Call): Promise<Answer> {
  service.checkServing()
  const { source, destination } = parseBody(copyRequest, await call.body(), call)
  service.host.find(source)
  checkAllowed(service)
  service.host.copy(source, untagged(destination))
  return nothing
}

/** DELETE /api/delete */
const deleteRequest = z.object(namedFields, wholeBody)

/** DELETE /api/delete: a name that was copied, or a model that was pulled. */
export async function deleteModel(service: Service, call: Call): Promise<Answer> {
  service.checkServing()
  const asked = namedModel(parseBody(deleteRequest, await call.body(), call), nameError)
  checkAllowed(service)
  await service.host.remove(asked)
  return nothing
}

const nothing: Answer = { status: 200, headers: {}, body: undefined }

/** POST /api/create, POST /api/push, and blobs, which the first is made of. */
export function notHere(service: Service): Answer {
  service.checkServing()
  const message =
    'Models are neither made nor pushed here; they are GGUF files, which the server is started ' +
    'with or pulls from the Hub.'
  throw new HttpError('not_supported', message)
}
