import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { SharedInterval } from '../../src/web/shared-interval.js'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

test('a shared interval looks at all by one timer, and at none that was taken away', () => {
  const looks: string[] = []
  const shared = new SharedInterval<string>(100, (all) => looks.push([...all].join(' ')))
  for (const one of ['a', 'b', 'c']) shared.add(one)
  expect(vi.getTimerCount()).toBe(1)
  vi.advanceTimersByTime(100)
  shared.delete('b')
  vi.advanceTimersByTime(100)
  expect(looks).toEqual(['a b c', 'a c'])
})

test('a shared interval rests while there is none to look at', () => {
  const look = vi.fn()
  const shared = new SharedInterval<string>(100, look)
  shared.add('a')
  shared.delete('a')
  shared.delete('a')
  expect(vi.getTimerCount()).toBe(0)
  vi.advanceTimersByTime(1000)
  expect(look).not.toHaveBeenCalled()
  shared.add('b')
  vi.advanceTimersByTime(100)
  expect(look).toHaveBeenCalledTimes(1)
})
