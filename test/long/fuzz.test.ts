import { test } from 'vitest'
import { drawChurn } from '../support/fuzz/churn-plan.js'
import { fuzz } from '../support/fuzz/loop.js'
import { drawPlan } from '../support/fuzz/plan.js'

// As test/e2e/engine/fuzz.test.ts, for half an hour each.

const ms = 30 * 60_000
const timeout = 40 * 60_000

test('the whole of the API, at random', () => fuzz({ name: 'fuzz', draw: drawPlan, ms }), timeout)

test(
  'a churn of conversations through the prefix cache',
  () => {
    return fuzz({ name: 'churn', draw: drawChurn, ms })
  },
  timeout,
)
