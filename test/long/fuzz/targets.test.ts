import { beforeAll, describe, expect, test } from 'vitest'
import { buildTargets, findClang, fuzz, targets } from '../../../scripts/fuzz/targets.mjs'

// Each of libFuzzer's targets, for a minute: `npm run fuzz -- TARGET --seconds 3600` takes longer.

const clang = await findClang()
const names = Object.keys(targets)
const why = typeof clang === 'string' ? ` (left out: ${clang})` : ''

describe.skipIf(typeof clang === 'string')(`libFuzzer, under sanitizers,${why}`, () => {
  beforeAll(async () => {
    if (typeof clang !== 'string') await buildTargets(names, clang)
  }, 60 * 60_000)

  test.each(names)('finds nothing in %s within a minute', async (name) => {
    const { isGood, executions, coverage, log } = await fuzz(name, 60)
    console.log(`${name}: ${executions} executions, ${coverage} edges of code reached`)
    expect(isGood, log).toBe(true)
    expect(executions).toBeGreaterThan(1000)
  })
})
