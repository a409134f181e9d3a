import fs from 'node:fs'
import { createRequire } from 'node:module'
import os from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach } from 'vitest'
import { useBinding } from '../../src/binding/binding.js'
import type { NativeAddon } from '../../src/binding/native.js'
import { eventually } from './eventually.js'

// An engine that a test can hold in a call of llama.cpp: what shall be there by then is there,
// however fast the engine is and however late others come. The addon is that of
// test/e2e/engine/failed-calls.test.ts, which is made of the shipped one's own objects.

/** There is one on Linux. */
export const canHold = process.platform === 'linux'

let file = ''
let count = 0

/** The engines of each test can be held. */
export function holdableInEach(): void {
  beforeEach(() => {
    const addon = path.resolve('build/Release/failed-calls/sluice.node')
    if (canHold) useBinding(createRequire(import.meta.url)(addon) as NativeAddon)
  })
  afterEach(() => {
    release()
    if (canHold) useBinding(undefined)
  })
}

/** A call that is held. */
export interface Held {
  /** Once the engine's thread is in it. */
  readonly begun: Promise<void>
  release(): void
}

/**
 * Holds the next call of llama.cpp that computes a batch, until it is released. One that is held
 * already is released, and this is the one behind it.
 */
export function holdNextCall(): Held {
  const [before, own] = [file, path.join(os.tmpdir(), `sluice-held-${process.pid}-${++count}`)]
  file = own
  // First, so that the engine comes to no other call in between.
  process.env.SLUICE_TEST_FAILURE = `decode 1 holds ${own}`
  fs.rmSync(before, { force: true })
  return {
    get begun() {
      return eventually(() => fs.existsSync(own), 'no call was held')
    },
    release,
  }
}

/** Behind the variable, which the engine's thread reads at each call that is not held. */
function release(): void {
  delete process.env.SLUICE_TEST_FAILURE
  fs.rmSync(file, { force: true })
}
