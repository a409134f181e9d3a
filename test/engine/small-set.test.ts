import { expect, test } from 'vitest'
import { SmallSet } from '../../src/engine/small-set.js'

const [a, b, c] = [{ name: 'a' }, { name: 'b' }, { name: 'c' }] as const

test.each([1, 2, 3])('a small set of %i holds each once, in the order in which they came', (n) => {
  const all = [c, a, b].slice(0, n)
  const set = new SmallSet<object>()
  for (const one of [...all, ...all]) set.add(one)
  expect([...set]).toEqual(all)
  expect(set.size).toBe(n)
  expect(set.has(c)).toBe(true)
  expect(set.has({ name: 'c' })).toBe(false)
})

test.each([1, 2, 3])('a small set of %i is empty once each was taken out', (n) => {
  const all = [a, b, c].slice(0, n)
  const set = new SmallSet<object>()
  for (const one of all) set.add(one)
  for (const one of all) {
    expect(set.delete(one)).toBe(true)
    expect(set.delete(one)).toBe(false)
  }
  expect(set.size).toBe(0)
  expect([...set]).toEqual([])
  set.add(b)
  expect([...set]).toEqual([b])
})

test('what is taken out of a small set while it is gone through is left out', () => {
  const set = new SmallSet<object>()
  for (const one of [a, b, c]) set.add(one)
  const seen: object[] = []
  for (const one of set) {
    seen.push(one)
    set.delete(b)
  }
  expect(seen).toEqual([a, c])
})
