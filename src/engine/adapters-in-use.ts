import type { EngineStats, SlotStats } from '../api/types.js'
import type { EngineCommand } from '../binding/engine-port.js'

type AdaptersInUse = Pick<EngineStats, 'adaptersRunning' | 'adaptersWaiting'>

const none: readonly number[] = []

/** Places of the adapters that a request is computed with. A scale of 0 is none. */
export function adaptersOf(command: EngineCommand): readonly number[] {
  if (command.kind !== 'generate' || command.adapters.length === 0) return none
  return command.adapters.filter((_, i, all) => i % 2 === 0 && all[i + 1] !== 0)
}

/** By whether their requests have a slot. A request that has none waits, or is about to end. */
export function adaptersInUse(
  requests: ReadonlyMap<number, { readonly adapters: readonly number[] }>,
  slots: readonly (SlotStats | null)[],
): AdaptersInUse {
  const inSlots = new Set(slots.map((slot) => slot?.request))
  const running = new Set<number>()
  const waiting = new Set<number>()
  for (const [id, { adapters }] of requests) {
    for (const place of adapters) (inSlots.has(id) ? running : waiting).add(place)
  }
  return { adaptersRunning: sorted(running), adaptersWaiting: sorted(waiting) }
}

function sorted(places: ReadonlySet<number>): number[] {
  return [...places].sort((a, b) => a - b)
}
