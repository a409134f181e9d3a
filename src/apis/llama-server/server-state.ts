import * as z from 'zod'
import { type Answer, json } from '../../web/answer.js'
import type { Call } from '../../web/call.js'
import { HttpError } from '../../web/errors.js'
import { parseJson } from '../../web/json.js'
import type { Service } from '../api.js'
import { parseRequest, wholeBody } from '../request.js'
import { generationSettings } from './completion/settings.js'
import { llamaWords } from './errors.js'

/** What a request is told that says nothing of how it is to be told. */
const usual = { stream: false, n_probs: 0, timings_per_token: false }

/**
 * GET /props: what the model and the server are. With ?model= of that one, which is loaded for it
 * unless ?autoload=false says otherwise.
 */
export async function props(service: Service, call: Call): Promise<Answer> {
  call.errorWords = llamaWords()
  service.checkServing()
  const asked = call.query.get('model') ?? undefined
  if (call.query.get('autoload') === 'false') checkLoaded(service, asked)
  const { engine, name } = await service.lease(call, asked, 'tokens')
  const { model, settings } = engine
  const { maxTokens } = service.settings
  const limit = { ...engine.adapters, ...(maxTokens === undefined ? {} : { maxTokens }) }
  return json(200, {
    default_generation_settings: {
      params: generationSettings(settings, limit, usual),
      n_ctx: settings.context,
    },
    total_slots: settings.parallel,
    model_alias: name,
    // Where the file lies is the server's affair.
    model_path: `${model.id}.gguf`,
    modalities: { vision: false, audio: false, video: false },
    is_sleeping: false,
    build_info: 'sluice',
  })
}

/** Throws the 400 of a model that would be loaded, as llama-server's router has it. */
function checkLoaded({ host }: Service, asked: string | undefined): void {
  const { names, state } = host.find(asked)
  if (state === 'loaded') return
  throw new HttpError('invalid_request', `The model '${names[0]}' is not loaded.`)
}

const anyBody = z.object({}, wholeBody)

/** POST /props */
export async function changeProps(service: Service, call: Call): Promise<Answer> {
  call.errorWords = llamaWords()
  service.checkServing()
  parseRequest(anyBody, parseJson(await call.body()))
  const message = 'Properties are set when the server starts; nothing is changed while it runs.'
  throw new HttpError('not_supported', message)
}

/**
 * GET /slots: how many run, of how many. A reply may change its slot, so the slots in use are
 * listed first, and none tells of its prompt. With ?fail_on_no_slot it is a 503 where all are
 * taken.
 */
export async function slots(service: Service, call: Call): Promise<Answer> {
  call.errorWords = llamaWords()
  service.checkServing()
  const { engine } = await service.lease(call, call.query.get('model') ?? undefined, 'tokens')
  const { parallel, context, draft, lookup, mtp } = engine.settings
  const { running, parked } = engine.stats()
  const busy = Math.min(parallel, running + parked)
  if (busy === parallel && call.query.has('fail_on_no_slot')) {
    throw new HttpError('queue_timeout', 'no slot available')
  }
  const speculative = draft !== null || lookup || mtp
  const list = Array.from({ length: parallel }, (_, id) => {
    return { id, n_ctx: context, speculative, is_processing: id < busy }
  })
  return json(200, list)
}

/** POST /slots/{id}?action=save, restore or erase */
export async function slotAction(service: Service, call: Call, id: string): Promise<Answer> {
  call.errorWords = llamaWords()
  service.checkServing()
  const body = await call.body()
  if (body.length > 0) parseRequest(anyBody, parseJson(body))
  const action = call.query.get('action')
  if (!/^\d{1,4}$/.test(id)) throw new HttpError('invalid_request', 'Invalid slot ID')
  if (action !== 'save' && action !== 'restore' && action !== 'erase') {
    throw new HttpError('invalid_request', 'Invalid action: expected save, restore or erase.')
  }
  const message =
    'Slots cannot be saved, restored or erased: replies change slots, and what prompts share is ' +
    'found and kept by itself.'
  throw new HttpError('not_supported', message)
}
