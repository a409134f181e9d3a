import type { NativeSlots } from './engine-port.js'

/** Numbers of each slot. The first is its request's, 0 where it is free. */
export const numbersOfSlot = 6

/** The requests that have a slot. */
export function requestsIn(slots: NativeSlots): number[] {
  return Array.from(slots.filter((_, i) => i % numbersOfSlot === 0)).filter((id) => id !== 0)
}
