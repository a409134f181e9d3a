import { optionName } from '../../../options/spoken-names.js'
import { type Answer, json, jsonType, whole } from '../../../web/answer.js'
import type { Call } from '../../../web/call.js'
import { HttpError } from '../../../web/errors.js'
import type { KeptResponse, Service } from '../../api.js'
import { fieldError } from '../../request.js'

/** Responses that the server keeps, for the key that made them. */

/** GET /v1/responses/{id} */
export function keptResponse(service: Service, call: Call, id: string): Answer {
  if (call.query.get('stream') === 'true') {
    const message = "'stream': expected false, as a response that is kept has ended, but got true."
    throw new HttpError('invalid_request', message, { field: 'stream' })
  }
  return whole(200, jsonType, keptOf(service, call, id).body)
}

/** DELETE /v1/responses/{id} */
export function deleteResponse(service: Service, call: Call, id: string): Answer {
  service.checkServing()
  if (service.responses?.delete(call.owner, id) !== true) throw notFound(service, id)
  return json(200, { id, object: 'response', deleted: true })
}

const limitDefault = 20
const limitMax = 100

/** GET /v1/responses/{id}/input_items: page by page, the latest first unless asked otherwise. */
export function inputItems(service: Service, call: Call, id: string): Answer {
  const all = keptOf(service, call, id).input().map(listed)
  const { query } = call
  const order = query.get('order') ?? 'desc'
  if (order !== 'asc' && order !== 'desc') throw fieldError('order', '"asc" or "desc"', order)
  const asked = query.get('limit') ?? String(limitDefault)
  const limit = Number(asked)
  if (!/^\d+$/.test(asked) || limit < 1 || limit > limitMax) {
    throw fieldError('limit', `a whole number from 1 to ${limitMax}`, asked)
  }
  const items = order === 'asc' ? all : all.reverse()
  const after = query.get('after')
  const from = after === null ? 0 : items.findIndex((item) => item.id === after) + 1
  if (after !== null && from === 0)
    throw fieldError('after', 'the id of an item of the input', after)
  const data = items.slice(from, from + limit)
  return json(200, {
    object: 'list',
    data,
    first_id: data[0]?.id ?? '',
    last_id: data.at(-1)?.id ?? '',
    has_more: from + limit < items.length,
  })
}

interface ListedItem {
  readonly id: string
}

/** A call of a custom tool has a status here, and none in a response. */
function listed(item: unknown): ListedItem {
  const { type, status } = item as { type: string; status?: string }
  const isTold = status !== undefined || type === 'reasoning'
  return (isTold ? item : { ...(item as object), status: 'completed' }) as ListedItem
}

function keptOf(service: Service, { owner }: Call, id: string): KeptResponse {
  service.checkServing()
  const kept = service.responses?.get(owner, id)
  if (kept === undefined) throw notFound(service, id)
  return kept
}

function notFound({ responses }: Service, id: string): HttpError {
  const why =
    responses === undefined
      ? `this server keeps none (${optionName('responseStore')})`
      : 'expected the id of one that is still kept'
  return new HttpError('response', `There is no response '${id.slice(0, 100)}'; ${why}.`)
}
