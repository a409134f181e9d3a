import { expect, test } from 'vitest'
import { drawBody, judgeBody } from '../../support/fuzz/inputs/bodies.js'
import { type Drawn, drawInputs } from '../../support/fuzz/inputs/drawn.js'
import { drawSchema, judgeSchema } from '../../support/fuzz/inputs/schemas.js'

// What test/long/fuzz/targets.test.ts is for C++: `npm run fuzz -- schema --seconds 3600`.

const forMs = 1000 * Number(process.env.SLUICE_FUZZ_SECONDS ?? 60)
const timeout = forMs + 5 * 60_000
const seed = Number(process.env.SLUICE_FUZZ_SEED ?? Date.now() % 2 ** 31)

function report(what: string, { executions, outcomes, slowestMs }: Drawn): void {
  const ends = JSON.stringify(Object.fromEntries(outcomes))
  const slowest = `the slowest took ${Math.round(slowestMs)} ms`
  console.log(`${what}, seed ${seed}: ${executions} executions, ${ends}; ${slowest}`)
}

test('each text of a changed schema’s grammar validates, or the schema is refused', {
  timeout,
}, () => {
  const drawn = drawInputs({ seed, forMs, draw: drawSchema, judge: judgeSchema })
  report('schema', drawn)
  expect([...drawn.outcomes.keys()]).toEqual(expect.arrayContaining(['validates', 'refused']))
  expect(drawn.slowestMs).toBeLessThan(10_000)
})

test('a changed body is what JSON.parse makes of it, or refused', { timeout }, () => {
  const drawn = drawInputs({ seed, forMs, draw: drawBody, judge: judgeBody })
  report('body', drawn)
  expect([...drawn.outcomes.keys()].sort()).toEqual(['no JSON', 'no UTF-8', 'taken', 'too deep'])
})
