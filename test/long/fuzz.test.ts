import { expect, test } from 'vitest'
import { drawChurn } from '../support/fuzz/churn-plan.js'
import { fuzz } from '../support/fuzz/loop.js'
import { drawPlan } from '../support/fuzz/plan.js'

// As test/e2e/engine/fuzz.test.ts, for half an hour each.

const ms = 30 * 60_000
const timeout = 40 * 60_000

test(
  'the whole of the API, used at random, breaks no promise',
  async () => {
    const ends = await fuzz({ name: 'fuzz', draw: drawPlan, ms })
    const met = ['stop', 'length', 'tool_calls', 'done', 'cancelled', 'ERR_CANCELLED', 'ERR_CLOSED']
    expect(Object.keys(ends)).toEqual(expect.arrayContaining(met))
  },
  timeout,
)

test(
  'a churn of conversations through the prefix cache changes no text',
  async () => {
    const ends = await fuzz({ name: 'churn', draw: drawChurn, ms })
    const met = ['length', 'cancelled', 'ERR_CANCELLED']
    expect(Object.keys(ends)).toEqual(expect.arrayContaining(met))
  },
  timeout,
)
