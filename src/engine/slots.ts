import type { SlotStats } from '../api/types.js'
import type { NativeSlots } from '../binding/engine-port.js'

/** Numbers of each slot. Its request's is 0 where it is free, its phase's the place in `phases`. */
export const numbersOfSlot = 6
/** As the addon's Phase has them. What has a slot is not queued. */
export const phases = ['queued', 'prefill', 'decode', 'parked'] as const

export function slotsOf(numbers: NativeSlots): (SlotStats | null)[] {
  return Array.from({ length: numbers.length / numbersOfSlot }, (_, slot) => {
    return slotOf(numbers.subarray(slot * numbersOfSlot))
  })
}

function slotOf(numbers: NativeSlots): SlotStats | null {
  const [request, phase, promptTokens, cachedTokens, computedTokens, completionTokens] =
    numbers as unknown as readonly [number, number, number, number, number, number]
  if (request === 0) return null
  return {
    request,
    phase: phases[phase] as SlotStats['phase'],
    promptTokens,
    cachedTokens,
    computedTokens,
    completionTokens,
  }
}
