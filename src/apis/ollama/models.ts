import * as z from 'zod'
import type { ModelEntry } from '../../host/model-host.js'
import { tagged } from '../../host/names.js'
import { defaultName } from '../../options/models-options.js'
import { type Answer, json } from '../../web/answer.js'
import type { Call } from '../../web/call.js'
import type { Service } from '../api.js'
import { capabilitiesOf } from '../capabilities.js'
import { parseBody, wholeBody } from '../request.js'
import { knownFieldsOf } from '../unknown-fields.js'
import { detailsOf, digestOf, infoOf, parametersOf, templateOf } from './details.js'
import { namedFields, namedModel } from './fields.js'

/** The release of Ollama whose API this is. Clients ask for a least one. */
const apiVersion = '0.33.0'

/** GET /api/version */
export function version(): Answer {
  return json(200, { version: apiVersion })
}

/** GET /api/tags: each model's names and adapters, but `default`: clients would show it twice. */
export function tags(service: Service): Answer {
  service.checkServing()
  const models = service.host.entries().flatMap((entry) => {
    return namesOf(entry).map((name) => ({
      ...listed(name, entry),
      modified_at: timeOf(entry),
      size: entry.known?.model.bytes ?? 0,
      ...(entry.known === undefined ? {} : { capabilities: capabilitiesOf(entry.known.model) }),
    }))
  })
  return json(200, { models })
}

function namesOf({ names: [own, ...others], adapters }: ModelEntry): string[] {
  return [own, ...others.filter((name) => name !== defaultName), ...adapters]
}

function listed(name: string, entry: ModelEntry) {
  const whole = tagged(name)
  return { name: whole, model: whole, digest: digestOf(entry), details: detailsOf(entry.known) }
}

function timeOf({ created }: ModelEntry): string {
  return new Date(created * 1000).toISOString()
}

/** A model that is never unloaded expires then: a time that every client can read. */
const never = new Date(Date.UTC(2318, 0, 1))

/** GET /api/ps: the models in memory. */
export function running(service: Service): Answer {
  service.checkServing()
  const { host } = service
  const inMemory = new Map(host.loaded().map((model) => [model.names[0], model]))
  const bytes = new Map(host.numbers()?.models.map((one) => [one.name, one.bytes]))
  const models = host.entries().flatMap((entry) => {
    const [name] = entry.names
    const loaded = inMemory.get(name)
    if (loaded === undefined || entry.state !== 'loaded') return []
    const { devices, host: system } = loaded.engine.placement
    const onDevices = devices.reduce((sum, one) => sum + bytesOf(one), 0)
    return [
      {
        ...listed(name, entry),
        size: (bytes.get(name) ?? bytesOf(system)) + onDevices,
        size_vram: onDevices,
        expires_at: new Date(host.idleAt(name) ?? never).toISOString(),
        context_length: loaded.settings.context,
      },
    ]
  })
  return json(200, { models })
}

function bytesOf(use: { weightsBytes: number; kvBytes: number; computeBytes: number }): number {
  return use.weightsBytes + use.kvBytes + use.computeBytes
}

/** POST /api/show */
export const showRequest = z.object(namedFields, wholeBody)

/** They would say otherwise what Ollama keeps with a model. Here it is told as it is. */
const knownOfShow = knownFieldsOf(showRequest, ['verbose', 'system', 'template', 'options'])

/** POST /api/show. One that nothing is known of yet is loaded for it. */
export async function show(service: Service, call: Call): Promise<Answer> {
  service.checkServing()
  const request = parseBody(showRequest, await call.body(), call, knownOfShow)
  const asked = namedModel(request, 'the name of a model')
  if (service.host.find(asked).known === undefined) await service.lease(call, asked, 'tokens')
  const entry = service.host.find(asked)
  const { known } = entry
  const [own] = entry.names
  const loaded = service.host.loaded().find(({ names }) => names[0] === own)
  return json(200, {
    modelfile: `FROM ${own}`,
    parameters: loaded === undefined ? '' : parametersOf(loaded.settings),
    template: known === undefined ? '' : templateOf(known),
    details: detailsOf(known),
    model_info: known === undefined ? {} : infoOf(known),
    capabilities: known === undefined ? [] : capabilitiesOf(known.model),
    modified_at: timeOf(entry),
  })
}
