import { randomInt } from 'node:crypto'
import * as z from 'zod'

const seedError = 'a whole number of 64 bits'
/** llama-server's word for "draw one". */
const anySeed = -1
/** As src/engine/native-request.ts draws them. */
const seedsMax = 2 ** 32 - 1

/** An int64 on the wire. What a double cannot hold exactly is folded to 32 bits here. */
export const seed = z
  .number({ error: seedError })
  .refine((value) => Number.isInteger(value) && Math.abs(value) <= 2 ** 63, { error: seedError })
  .transform((value) => {
    if (value === anySeed) return randomInt(seedsMax)
    return Number.isSafeInteger(value) ? value : Number(BigInt.asUintN(32, BigInt(value)))
  })
