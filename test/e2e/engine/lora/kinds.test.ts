import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, afterEach, describe, expect, test } from 'vitest'
import { useBinding } from '../../../../src/binding/binding.js'
import type { NativeAddon } from '../../../../src/binding/native.js'
import { type Engine, type LoadOptions, load } from '../../../../src/index.js'
import { randomAdapter } from '../../../support/models/adapter.js'
import {
  ARCHITECTURES,
  HEADED_KINDS,
  hasHeads,
  kindContent,
  kindModel,
  MODEL_KINDS,
  type ModelKind,
} from '../../../support/models/model-kinds.js'
import { randomWords } from '../../../support/random-words.js'

// Requests of several sets of adapters, more than there are slots or cells for, on models of each
// kind of memory: whatever is kept, moved, preempted or fails in a step of several batches, each
// says what it says alone. The addon is that of test/e2e/engine/failed-calls.test.ts.

const folder = mkdtempSync(path.join(tmpdir(), 'sluice-lora-kinds-'))
const log = path.join(folder, 'failed')
afterAll(() => rmSync(folder, { recursive: true }))
afterEach(() => {
  delete process.env.SLUICE_TEST_FAILURE
  useBinding(undefined)
})

const kinds = [...MODEL_KINDS, ...HEADED_KINDS]
const failures = ['decode 3 no-room', 'decode 7 half', 'decode 12 throws']

/** So that it changes each text, and leaves no two tokens as likely as each other. */
const strengthFor = (kind: ModelKind) => (kind === 'hybrid-heads' ? 0.08 : 0.05)

function openEngine(kind: ModelKind, options: Partial<LoadOptions>): Promise<Engine> {
  const adapter = (seed: number) =>
    randomAdapter(kind, () => kindContent(kind), {
      ...{ seed, strength: strengthFor(kind), architecture: ARCHITECTURES[kind] },
      changes: (name) => name.startsWith('blk.') && !name.includes('conv1d'),
    })
  return load({
    ...{ model: kindModel(kind), lora: { red: adapter(1), blue: adapter(2) } },
    ...{ kvType: 'q8_0', context: 512, threads: 1, mtp: hasHeads(kind) },
    ...options,
  })
}

const system = randomWords(60, 1).join(' ')
/** Half of them begin alike. */
const asks = [2, 3, 4, 5].flatMap((seed) =>
  [{}, { red: 1 }, { blue: 1 }, { red: 1, blue: 0.5 }].map((lora) => ({
    prompt: `${seed % 2 === 0 ? `${system} ` : ''}${randomWords(4 + 5 * seed, seed).join(' ')}`,
    options: { lora, maxTokens: 20 + 5 * seed, temperature: 0, ignoreEos: true },
  })),
)

async function aloneTexts(kind: ModelKind): Promise<string[]> {
  const engine = await openEngine(kind, { parallel: 1, cacheMiB: 0 })
  const texts: string[] = []
  for (const { prompt, options } of asks) texts.push(await engine.complete(prompt, options).text())
  await engine.close()
  return texts
}

/** Each text, or the code of its error. */
function allAtOnce(engine: Engine, cacheSalt: string): Promise<string[]> {
  const replies = asks.map(({ prompt, options }) => {
    const reply = engine.complete(prompt, { ...options, cacheSalt })
    return reply.text().catch(({ code }) => code as string)
  })
  return Promise.all(replies)
}

describe.skipIf(process.platform !== 'linux').each(kinds)('with a %s model', (kind) => {
  test.each([
    ['slots', { parallel: 5, cacheMiB: 64 }],
    ['cells', { parallel: 5, cacheMiB: 64, kvCells: 700 }],
  ])('replies with adapters are as alone where they share %s', async (_, shared) => {
    const alone = await aloneTexts(kind)
    expect(new Set(alone).size).toBe(alone.length)
    rmSync(log, { force: true })
    const addon = path.resolve('build/Release/failed-calls/sluice.node')
    useBinding(createRequire(import.meta.url)(addon) as NativeAddon)
    const engine = await openEngine(kind, shared)
    for (const failure of failures) {
      process.env.SLUICE_TEST_FAILURE = `${failure} ${log}`
      const texts = await allAtOnce(engine, failure)
      delete process.env.SLUICE_TEST_FAILURE
      expect(texts).toEqual(
        texts.map((text, i) => (text === 'ERR_ENGINE_FAILED' ? text : alone[i])),
      )
      expect(await allAtOnce(engine, failure)).toEqual(alone)
    }
    await engine.close()
    expect(readFileSync(log, 'utf8').trim().split('\n')).toHaveLength(failures.length)
  })
})
