import { createRequire } from 'node:module'
import path from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { useBinding } from '../../../src/binding/binding.js'
import type { NativeAddon } from '../../../src/binding/native.js'
import type { Engine } from '../../../src/index.js'
import {
  type Ask,
  asksFor,
  closeAfterEach,
  expectAsAlone,
  expectAsAloneButForTies,
  greedyAsksFor,
  openEngine,
  send,
  sendAll,
} from '../../support/alone.js'
import { MODEL_KINDS, type ModelKind } from '../../support/models/model-kinds.js'
import { textOf } from '../../support/random-words.js'

// That exact.test.ts would find a wrong cell. The addon here is made of the shipped one's own
// objects, but whatever it brings back from host memory, one cell of it is shifted by a position
// (native/llama/test/faults/shift-cell.cpp).

const system = textOf(120, 1)

/** Each has the engine bring back states, and says what was asked and what came. */
const situations: Record<string, (kind: ModelKind) => Promise<{ asks: Ask[]; texts: string[] }>> = {
  'a shared prefix': async (kind) => {
    const engine = await openEngine(kind, { parallel: 4, cacheMiB: 64 })
    const asks = asksFor(
      [1, 2, 3, 4, 5, 6, 7, 8].map((i) => `${system} ${textOf(5, 100 + i)}`),
      60,
    )
    const texts = await sendAll(engine, asks)
    expect(engine.stats().cachedTokens).toBeGreaterThan(0)
    return { asks, texts }
  },

  'a second turn whose place was taken meanwhile': async (kind) => {
    const engine = await openEngine(kind, { parallel: 1, cacheMiB: 64 })
    const [first, other] = asksFor([system, textOf(40, 2)], 40) as [Ask, Ask]
    const text = await send(engine, first).text()
    await send(engine, other).text()
    const asks = asksFor([`${system}${text} ${textOf(5, 3)}`], 100)
    const texts = await sendAll(engine, asks)
    expect(engine.stats().cachedTokens).toBeGreaterThan(100)
    return { asks, texts }
  },

  'places given up and taken again': async (kind) => {
    const engine = await openEngine(kind, { parallel: 1, window: 16, cacheMiB: 64 })
    const asks = asksFor([system, textOf(90, 2), textOf(60, 3)], 200)
    const texts = []
    for (const ask of asks) texts.push(await readWithInterruptions(engine, ask))
    expect(engine.stats().preempted).toBeGreaterThanOrEqual(asks.length)
    return { asks, texts }
  },

  'a move to another place': async (kind) => {
    const engine = await openEngine(kind, { parallel: 8, cacheMiB: 0 })
    const prompts = [1, 2, 3, 4, 5, 6, 7, 8].map((i) => textOf(12, 100 + i))
    // Every second one ends early: the others are moved together.
    const asks = asksFor(prompts, (i) => (i % 2 === 0 ? 30 : 230))
    const texts = await sendAll(engine, asks)
    expect(engine.stats().moved).toBeGreaterThan(0)
    return { asks, texts }
  },
}

// Of Qwen3.5, whose positions have several parts, llama.cpp can shift no cell; mtp.test.ts and
// speculation.test.ts have its drafts.
const kinds = [...MODEL_KINDS, 'heads'] as const

describe.skipIf(process.platform !== 'linux').each(kinds)('with a %s model', (kind) => {
  closeAfterEach()
  afterEach(() => useBinding(undefined))

  test.each(Object.entries(situations))('one cell shifted in %s is found', async (_, situation) => {
    const sound = await situation(kind)
    await expectAsAlone(kind, sound.asks, sound.texts)
    useBinding(faultyAddon())
    const faulty = await situation(kind)
    expect(faulty.asks.length).toBe(sound.asks.length)
    expect(faulty.texts).not.toEqual(sound.texts)
  })

  if (kind === 'recurrent') return // which is never short of cells
  test('no shifted cell passes for a tie', async () => {
    const prompts = Array.from({ length: 16 }, (_, i) => textOf(60, 100 + i))
    const asks = greedyAsksFor(prompts, 180)
    useBinding(faultyAddon())
    const cells = { context: 512, kvCells: 512 }
    const engine = await openEngine(kind, { parallel: 6, ...cells, cacheMiB: 64 })
    const texts = await sendAll(engine, asks)
    expect(engine.stats().preempted).toBeGreaterThan(8)
    useBinding(undefined)
    await expect(expectAsAloneButForTies(kind, asks, texts)).rejects.toThrow()
  })
})

/** After each of its first parts somebody else needs the only place. */
async function readWithInterruptions(engine: Engine, ask: Ask): Promise<string> {
  let text = ''
  let interruptions = 0
  for await (const part of send(engine, ask)) {
    text += part.text
    if (interruptions++ < 4) await send(engine, { prompt: 'the fox', maxTokens: 9 }).text()
  }
  return text
}

function faultyAddon(): NativeAddon {
  const file = path.resolve('build/Release/faulty/sluice.node')
  return createRequire(import.meta.url)(file) as NativeAddon
}
