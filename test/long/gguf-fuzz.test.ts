import { expect, test } from 'vitest'
import { fuzzLoads } from '../support/fuzz/fuzzed-loads.js'

/** SLUICE_FUZZ_MINUTES makes it longer or shorter. */
const minutes = Number(process.env.SLUICE_FUZZ_MINUTES ?? 10)

test('tens of thousands of models with changed headers end no process', {
  timeout: (minutes + 5) * 60_000,
}, async () => {
  const seed = Number(process.env.SLUICE_FUZZ_SEED ?? Date.now() % 2 ** 31)
  const { loads, outcomes, deaths } = await fuzzLoads({ seed, forMs: minutes * 60_000 })
  console.log(`changed models, seed ${seed}: ${loads} loads, ${JSON.stringify([...outcomes])}`)
  expect(deaths, `seed ${seed}`).toEqual([])
  expect(loads).toBeGreaterThan(minutes * 100)
})
