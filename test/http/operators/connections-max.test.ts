import { expect, test } from 'vitest'
import { connectionsBeside, connectionsWithin } from '../../../src/http/node/connections-max.js'

test.each([
  [4096, Number.POSITIVE_INFINITY, 4096],
  [4096, 1_048_576, 4096],
  [4096, 4096, 3840],
  [4096, 1024, 768],
  [4096, 256, 192],
  [100, 256, 100],
  [4096, 64, 32],
  [4096, 20, 1],
])('of %i connections and %i descriptors are taken at most: %i', (wanted, descriptors, most) => {
  expect(connectionsWithin(wanted, descriptors)).toBe(most)
})

test.each([
  [64, Number.POSITIVE_INFINITY, 64],
  [64, 1024, 64],
  [64, 256, 16],
  [64, 64, 8],
  [4, 256, 4],
])('beside them, of %i and %i descriptors: %i', (wanted, descriptors, most) => {
  expect(connectionsBeside(wanted, descriptors)).toBe(most)
})

test('a process that has enough of them takes as many connections as are wanted', () => {
  expect(connectionsWithin(2)).toBe(2)
})
