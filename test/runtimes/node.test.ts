import { describe } from 'vitest'
import { nodeUnderTest } from '../support/packages/package-under-test.js'
import { testRuntime } from './table.js'

// The same programs by other versions, and by Bun and Deno: test/long/runtimes.test.ts.

describe('this Node', () => {
  testRuntime({ command: nodeUnderTest })
})
