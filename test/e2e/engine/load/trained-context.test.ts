import { mkdtempSync, rmSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { estimate, type LoadWarning, load } from '../../../../src/index.js'
import { encoderModel } from '../../../support/models/encoder-model.js'
import {
  type GgufValue,
  ggufFloat32,
  ggufString,
  ggufUint32,
  writeGguf,
} from '../../../support/models/gguf-writer.js'
import { randomModel, randomModelContent } from '../../../support/models/random-model.js'

// A context that is longer than what the model was trained on.

const folder = mkdtempSync(path.join(os.tmpdir(), 'sluice-context-'))
const trained = 512

afterAll(() => {
  rmSync(folder, { recursive: true, force: true })
})

async function warnings(model: string, context?: number): Promise<readonly LoadWarning[]> {
  const told: LoadWarning[] = []
  const onWarning = (warning: LoadWarning) => told.push(warning)
  const asked = context === undefined ? {} : { context }
  const engine = await load({ model, parallel: 1, onWarning, ...asked })
  await engine.close()
  expect(engine.warnings).toEqual(told)
  expect((await estimate(model, { parallel: 1, ...asked })).warnings).toEqual(told)
  return told
}

describe('a context longer than the trained one', () => {
  test('is told with both numbers, and not one that is as long', async () => {
    const model = randomModel({ context: trained })
    const [warning, ...others] = await warnings(model, trained + 1)
    expect(warning?.code).toBe('WARN_CONTEXT_BEYOND_TRAINED')
    expect(warning?.message).toMatch(/^a context of 513 tokens is longer than the 512 that /)
    expect(others).toEqual([])
    expect(await warnings(model, trained)).toEqual([])
    expect(await warnings(model)).toEqual([])
  })

  const factor = ggufFloat32(4)
  test.each<[says: string, metadata: Record<string, GgufValue>, reach: number]>([
    ['yarn', { 'scaling.type': ggufString('yarn'), 'scaling.factor': factor }, 4 * trained],
    ['a factor alone', { 'scaling.factor': factor }, 4 * trained],
    ['the old name of a factor', { scale_linear: factor }, 4 * trained],
    [
      'another original context',
      { 'scaling.factor': factor, 'scaling.original_context_length': ggufUint32(256) },
      4 * 256,
    ],
    ['none', { 'scaling.type': ggufString('none'), 'scaling.factor': factor }, trained],
  ])('is as long as the file scales positions: %s', async (name, metadata, reach) => {
    const content = randomModelContent({ context: trained })
    const file = path.join(folder, `${name.replaceAll(' ', '-')}.gguf`)
    // After the vocabulary, so that all of the header is read.
    const rope = Object.entries(metadata).map(([key, value]) => {
      return [`llama.rope.${key}`, value] as const
    })
    writeGguf(file, new Map([...content.metadata, ...rope]), content.tensors)
    expect(await warnings(file, reach)).toEqual([])
    const [warning] = await warnings(file, reach + 1)
    expect(warning?.message).toContain(` ${reach + 1} tokens is longer than the ${reach} that `)
  })

  test('is nothing to an engine that embeds, which takes no more than that', async () => {
    expect(await warnings(encoderModel(), 16_384)).toEqual([])
  })
})
