import { expect, test } from 'vitest'
import { warmUp } from '../../src/http/warm-up.js'

test('the request by which serve warms up is one that a client may send', () => {
  expect(() => warmUp()).not.toThrow()
})
