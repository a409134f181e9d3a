import { expect, test } from 'vitest'
import { PullError } from '../../src/api/errors.js'
import { poolFault } from '../../src/host/engine-fault.js'

// The other faults of a pool: test/http/several-models.test.ts.

test('a model that the cache does not have is unusable until somebody pulls it', () => {
  const error = new PullError('not-cached', 'hf:a/b:Q8_0 is not in the cache. Pull it')
  const fault = poolFault('chat', error, { isClosed: false, retryMs: 4000 })
  expect(fault).toMatchObject({ code: 'model_unusable', status: 500 })
  expect(fault.retryAfterSeconds).toBeUndefined()
  expect(fault.message).toMatch(/Pull it \(ERR_PULL_FAILED\)/)
})
