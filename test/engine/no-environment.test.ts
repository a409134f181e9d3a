import { afterEach, beforeEach, expect, test } from 'vitest'
import { BundledError } from '../../src/binding/bundled-error.js'
import { isFirstWorker } from '../../src/engine/warnings.js'

// Deno throws where a program without --allow-env reads a variable.

const environment = process.env

beforeEach(() => {
  process.env = new Proxy(environment, {
    get(_, name) {
      throw new Error(`Requires env access to "${String(name)}"`)
    },
  })
})
afterEach(() => {
  process.env = environment
})

test('a process that is no worker of a cluster is told from others without a variable', () => {
  expect(isFirstWorker()).toBe(true)
})

test('a bundle is told of as such, not by the variable that its maker would have set', () => {
  expect(new BundledError('app.mjs').message).toContain('sluice is part of a bundle (app.mjs)')
})
