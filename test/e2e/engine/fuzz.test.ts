import { test } from 'vitest'
import { drawChurn } from '../../support/fuzz/churn-plan.js'
import { fuzz } from '../../support/fuzz/loop.js'
import { drawPlan } from '../../support/fuzz/plan.js'

// Whatever is asked, read, left and closed, in whatever order: each request ends once, as one of the
// ends it may have, is counted as its reader heard it, says what it says alone, and leaves nothing
// behind. test/long/fuzz.test.ts goes on for an hour.

const ms = 25_000

test('the whole of the API, at random', () => fuzz({ name: 'fuzz', draw: drawPlan, ms }), 180_000)

test('a churn of conversations through the prefix cache', () => {
  return fuzz({ name: 'churn', draw: drawChurn, ms })
}, 180_000)
