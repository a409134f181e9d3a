import path from 'node:path'
import { type Answer, json } from '../../web/answer.js'
import type { Call } from '../../web/call.js'
import { parseJson } from '../../web/json.js'
import type { Service } from '../api.js'
import { scaledAdapters, scalesByName } from '../lora.js'
import { parseRequest } from '../request.js'
import { llamaWords } from './errors.js'

/** GET /lora-adapters: those of a model, with what requests get that say nothing of them. */
export async function loraAdapters(service: Service, call: Call): Promise<Answer> {
  call.errorWords = llamaWords()
  service.checkServing()
  const { engine, base } = await service.lease(call, modelOf(call), 'tokens')
  const scales = new Map(Object.entries(service.adapters.of(base) ?? {}))
  const list = engine.settings.lora.map(({ name, file }, id) => {
    // Where the file lies is the server's affair.
    return { id, name, path: path.basename(file), scale: scales.get(name) ?? 0, ...notHere }
  })
  return json(200, list)
}

/** llama-server's fields of adapters that say for what they were trained. */
const notHere = { task_name: '', prompt_prefix: '' }

/** POST /lora-adapters: what requests get from now on that say nothing of adapters. */
export async function scaleLoraAdapters(service: Service, call: Call): Promise<Answer> {
  call.errorWords = llamaWords()
  service.checkServing()
  const given = parseRequest(scaledAdapters, parseJson(await call.body()))
  const { engine, base } = await service.lease(call, modelOf(call), 'tokens')
  service.adapters.set(base, scalesByName(given, engine, 'body'))
  return json(200, { success: true })
}

function modelOf(call: Call): string | undefined {
  return call.query.get('model') ?? undefined
}
