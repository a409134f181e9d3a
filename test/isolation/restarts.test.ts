import { expect, test } from 'vitest'
import { Restarts } from '../../src/isolation/restarts.js'

test('an engine is started again at once, then later each time, and not a fourth time', () => {
  const restarts = new Restarts()
  expect(restarts.next(1000)).toBe(0)
  expect(restarts.next(2000)).toBe(1000)
  expect(restarts.next(9000)).toBe(5000)
  expect(restarts.next(80_000)).toBeUndefined()
})

test('restarts of more than 90 s ago count for nothing', () => {
  const restarts = new Restarts()
  for (const now of [0, 10_000, 20_000]) restarts.next(now) // at 0, 11 and 25 s
  expect(restarts.next(89_999)).toBeUndefined()
  expect(restarts.next(90_000)).toBe(5000)
  expect(restarts.next(200_000)).toBe(0)
})
