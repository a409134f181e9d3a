import { randomInt } from 'node:crypto'
import * as z from 'zod'

const seedError = 'a whole number of 64 bits'
/** llama-server's word for "draw one". */
const anySeed = -1
/** The same as llama-server holds it, in 32 bits without a sign. */
export const anyLlamaSeed = 2 ** 32 - 1
/** As src/engine/native-request.ts draws them. */
const seedsMax = 2 ** 32 - 1

/** An int64 on the wire. What a double cannot hold exactly is folded to 32 bits here. */
export const seed = seedWith(anySeed)

/** The same in llama-server's own shape. */
export const llamaSeed = seedWith(anySeed, anyLlamaSeed)

/** @param drawn what stands for "another each time" */
function seedWith(...drawn: readonly number[]) {
  return z
    .number({ error: seedError })
    .refine((value) => Number.isInteger(value) && Math.abs(value) <= 2 ** 63, { error: seedError })
    .transform((value) => {
      if (drawn.includes(value)) return randomInt(seedsMax)
      return Number.isSafeInteger(value) ? value : Number(BigInt.asUintN(32, BigInt(value)))
    })
}
