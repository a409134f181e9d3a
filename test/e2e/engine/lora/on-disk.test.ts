import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { type LoadOptions, load } from '../../../../src/index.js'
import { randomAdapter } from '../../../support/models/adapter.js'
import { randomModel, randomModelContent } from '../../../support/models/random-model.js'
import { randomWords } from '../../../support/random-words.js'

// States on disk, of requests with adapters: after a restart each serves its own set alone.

const model = randomModel({ seed: 7 })
const content = () => randomModelContent({ seed: 7 })
const lora = {
  red: randomAdapter('random', content, { seed: 1 }),
  blue: randomAdapter('random', content, { seed: 2, rank: 8, alpha: 4 }),
}
const prompt = randomWords(400, 3).join(' ')
const cacheDir = fs.mkdtempSync(path.join(os.tmpdir(), 'sluice-lora-disk-'))
afterAll(() => fs.rmSync(cacheDir, { recursive: true }))

/** Of an engine's whole life: each set's greedy text, and the tokens that were not computed. */
async function lifeOf(sets: NonNullable<LoadOptions['lora']>[], more: Partial<LoadOptions>) {
  const engine = await load({ model, lora, context: 1024, gpu: false, parallel: 1, ...more })
  const answers: { text: string; cached: number }[] = []
  for (const set of sets) {
    const scales = Object.fromEntries(Object.keys(set).map((name) => [name, 1]))
    const options = { temperature: 0, maxTokens: 24, ignoreEos: true, lora: scales }
    const reply = engine.complete(prompt, options)
    answers.push({ text: await reply.text(), cached: (await reply.done).usage.cachedTokens })
  }
  await engine.close()
  return answers
}

test('a state on disk serves the adapters that it was computed with, and no others', async () => {
  const { red, blue } = lora
  const sets = [{ red }, {}, { blue }, { red, blue }]
  const alone = await lifeOf(sets, {})
  expect(alone.map(({ cached }) => cached)).toEqual([0, 0, 0, 0])
  expect(new Set(alone.map(({ text }) => text)).size).toBe(4)
  await lifeOf([{ red }], { cacheDir })
  const again = await lifeOf(sets, { cacheDir })
  expect(again.map(({ text }) => text)).toEqual(alone.map(({ text }) => text))
  const [first, ...others] = again.map(({ cached }) => cached)
  expect(first).toBeGreaterThan(256)
  expect(others).toEqual([0, 0, 0])
})

test('another adapter in a file of the same name, size and time has its own states', async () => {
  const file = path.join(cacheDir, 'changed.gguf')
  const time = new Date(2020, 1, 1)
  const put = (seed: number) => {
    fs.copyFileSync(randomAdapter('random', content, { seed }), file)
    fs.utimesSync(file, time, time)
  }
  const lora = { changed: file }
  put(11)
  const { size } = fs.statSync(file)
  await lifeOf([lora], { cacheDir, lora })
  put(12)
  expect(fs.statSync(file).size).toBe(size)
  const [alone] = await lifeOf([lora], { lora })
  const [again] = await lifeOf([lora], { cacheDir, lora })
  expect(again).toEqual(alone)
})
