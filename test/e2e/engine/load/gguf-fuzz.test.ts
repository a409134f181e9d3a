import { expect, test } from 'vitest'
import { fuzzLoads } from '../../../support/fuzz/fuzzed-loads.js'

const seconds = 12

test('models whose headers are changed at random are refused or answer; none ends the process', {
  timeout: 15 * 60_000,
}, async () => {
  const seed = Number(process.env.SLUICE_FUZZ_SEED ?? Date.now() % 2 ** 31)
  const { loads, outcomes, deaths } = await fuzzLoads({ seed, forMs: seconds * 1000, least: 100 })
  console.log(`changed models, seed ${seed}: ${loads} loads, ${JSON.stringify([...outcomes])}`)
  expect(deaths, `seed ${seed}`).toEqual([])
  // Neither is it refused by rote, nor does everything pass.
  expect(outcomes.get('answered')).toBeGreaterThan(loads / 20)
  expect(outcomes.get('ERR_MODEL_INVALID')).toBeGreaterThan(loads / 20)
  expect(loads).toBeGreaterThanOrEqual(100)
})
