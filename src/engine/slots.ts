import type { SlotStats } from '../api/types.js'
import type { NativeSlots } from '../binding/engine-port.js'
import { numbersOfSlot } from '../binding/slot-numbers.js'

/** As the addon's Phase has them; a slot's phase is the place here. What has one is not queued. */
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
