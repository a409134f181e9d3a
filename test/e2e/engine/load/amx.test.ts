import fs from 'node:fs'
import { createRequire } from 'node:module'
import path from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { useBinding } from '../../../../src/binding/binding.js'
import type { NativeAddon } from '../../../../src/binding/native.js'
import {
  asksFor,
  closeAfterEach,
  expectAsAlone,
  greedyAsksFor,
  openEngine,
  sendAll,
} from '../../../support/alone.js'
import { MODEL_KINDS } from '../../../support/models/model-kinds.js'
import { randomWords } from '../../../support/random-words.js'

// Whole replies with AMX, where this machine may have none: the addon here is made of the shipped
// one's own objects and ggml's AMX code on tiles in software (cmake/kernel-tests.cmake). The
// models' weights are q8_0, which AMX takes. Prompts are short of 32 tokens, just that, and more.

const file = path.resolve('build/Release/soft-amx/sluice.node')
const lengths = [3, 14, 15, 16, 17, 31, 40, 90]
const prompts = lengths.map((words, i) => randomWords(words, i).join(' '))

describe.skipIf(!fs.existsSync(file))('with AMX', () => {
  test("the addon has ggml's AMX code", () => {
    expect(fs.readFileSync(file).includes('amx repack tensor')).toBe(true)
  })

  describe.each(MODEL_KINDS)('a %s model', (kind) => {
    closeAfterEach()
    afterEach(() => useBinding(undefined))

    test('says to eight readers at once what it says to each alone', async () => {
      useBinding(createRequire(import.meta.url)(file) as NativeAddon)
      const engine = await openEngine(kind, { parallel: 8 })
      const asks = asksFor(prompts, 24)
      await expectAsAlone(kind, asks, await sendAll(engine, asks))
    })

    test('says what it says without AMX', async () => {
      const asks = greedyAsksFor(prompts, 12)
      const without = await sendAll(await openEngine(kind, { parallel: 4 }), asks)
      useBinding(createRequire(import.meta.url)(file) as NativeAddon)
      expect(await sendAll(await openEngine(kind, { parallel: 4 }), asks)).toEqual(without)
    })
  })
})
