import { createRequire } from 'node:module'
import path from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { useBinding } from '../../../src/binding/binding.js'
import type { NativeAddon } from '../../../src/binding/native.js'
import { drawChurn } from '../../support/fuzz/churn-plan.js'
import { fuzz } from '../../support/fuzz/loop.js'
import { drawPlan } from '../../support/fuzz/plan.js'

// Whatever is asked, read, left and closed, in whatever order: each request ends once, as one of
// the ends it may have, is counted as its reader heard it, says what it says alone, and leaves
// nothing behind. test/long/fuzz.test.ts goes on for an hour.

const ms = 8_000
/** Under a sanitizer one run takes minutes. */
const timeout = process.env.SLUICE_TEST_ADDON === undefined ? 15 * 60_000 : 60 * 60_000

test(
  'the whole of the API, used at random, breaks no promise',
  async () => {
    const met = ['stop', 'length', 'done', 'cancelled', 'ERR_CANCELLED']
    const ends = await fuzz({ name: 'fuzz', draw: drawPlan, ms, met })
    expect(Object.keys(ends)).toEqual(expect.arrayContaining(met))
  },
  timeout,
)

test(
  'a churn of conversations through the prefix cache changes no text',
  async () => {
    const met = ['length', 'cancelled', 'ERR_CANCELLED']
    const ends = await fuzz({ name: 'churn', draw: drawChurn, ms, met })
    expect(Object.keys(ends)).toEqual(expect.arrayContaining(met))
  },
  timeout,
)

// The addon of faults.test.ts: one cell of whatever it brings back from host memory is shifted.
const hasFaulty = process.platform === 'linux' && process.env.SLUICE_TEST_ADDON === undefined
describe.runIf(hasFaulty)('a wrong cell', () => {
  afterEach(() => useBinding(undefined))

  test(
    'is found by the churn, whose fault names its seed',
    async () => {
      const file = path.resolve('build/Release/faulty/sluice.node')
      useBinding(createRequire(import.meta.url)(file) as NativeAddon)
      const churn = fuzz({ name: 'churn with a wrong cell', draw: drawChurn, ms: 240_000 })
      await expect(churn).rejects.toThrow(/SLUICE_FUZZ_SEED=\d+/)
    },
    15 * 60_000,
  )
})
