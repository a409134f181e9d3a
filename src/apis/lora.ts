import * as z from 'zod'
import type { RequestOptions } from '../api/types.js'
import { integerFrom } from '../options/checks.js'
import { adapterScale } from '../options/lora-options.js'
import type { ScopedEngine } from '../web/scoped-engine.js'
import { arrayOf, checked, fieldError } from './request.js'

/** As many as an engine has at most. */
const adaptersMax = 64

const scaledAdapter = z.object(
  { id: checked(integerFrom(0, adaptersMax - 1)), scale: checked(adapterScale) },
  { error: 'an object such as {"id": 0, "scale": 0.5}' },
)

/** Adapters by llama-server's ids, which are their places at /lora-adapters. */
export const scaledAdapters = arrayOf(scaledAdapter, 0, adaptersMax, 'adapters')

type ScaledAdapters = z.output<typeof scaledAdapters>

/**
 * The scale of each by its name; those that are left out have none.
 * @param at where they stand in the request, for errors
 */
export function scalesByName(
  given: ScaledAdapters,
  { settings: { lora } }: Pick<ScopedEngine, 'settings'>,
  at: string,
): Record<string, number> {
  const scales = new Map<string, number>()
  for (const [i, { id, scale }] of given.entries()) {
    const name = lora[id]?.name
    const place = `${at}[${i}].id`
    if (name === undefined) {
      const none = 'an empty list (this model has no adapters)'
      throw fieldError(place, lora.length > 0 ? `an id from 0 to ${lora.length - 1}` : none, id)
    }
    if (scales.has(name)) throw fieldError(place, 'each id once', id)
    scales.set(name, scale)
  }
  return Object.fromEntries(scales)
}

/** The engine's option for a request's field. As llama-server's, an empty list leaves it open. */
export function loraOptions(
  { lora }: { readonly lora?: ScaledAdapters | undefined },
  engine: Pick<ScopedEngine, 'settings'>,
): Pick<RequestOptions, 'lora'> {
  if (lora === undefined || lora.length === 0) return {}
  return { lora: scalesByName(lora, engine, 'lora') }
}
