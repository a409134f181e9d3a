import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest'
import { useBinding } from '../../../src/binding/binding.js'
import type { NativeAddon } from '../../../src/binding/native.js'
import { type Engine, type LoadOptions, load, type Reply } from '../../../src/index.js'
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
import {
  HEADED_KINDS,
  hasHeads,
  kindModel,
  MODEL_KINDS,
  type ModelKind,
} from '../../support/models/model-kinds.js'
import { textOf } from '../../support/random-words.js'

// Whatever call of llama.cpp fails, and however: each reply is what its request says alone, or
// fails with a code. The addon here is made of the shipped one's own objects
// (native/llama/test/failed-calls/failed-calls.cpp).

const folder = mkdtempSync(path.join(tmpdir(), 'sluice-failures-'))
const log = path.join(folder, 'failed')
afterAll(() => rmSync(folder, { recursive: true }))

const system = textOf(90, 1)

/** Two that generate, and three that come then: upon what is known, at once, and long. */
const asks = [
  ...asksFor([textOf(40, 2), textOf(30, 3)], 120),
  ...asksFor([`${system} ${textOf(40, 4)}`, textOf(20, 5), textOf(350, 6)], (i) => 1 + 8 * i),
]
const ROUNDS = 6

const kinds = [...MODEL_KINDS, ...HEADED_KINDS]
const HOW = ['no-room', 'invalid', 'memory', 'throws', 'half', 'half-throws']

describe.skipIf(process.platform !== 'linux').each(kinds)('with a %s model', (kind) => {
  closeAfterEach()
  beforeEach(() => {
    rmSync(log, { force: true })
    useBinding(failedCallsAddon())
  })
  afterEach(() => {
    delete process.env.SLUICE_TEST_FAILURE
    useBinding(undefined)
  })

  test.each(HOW)('a batch that fails (%s) makes no other text', async (how) => {
    for (const cacheMiB of [64, 0]) {
      const engine = await openEngine(kind, { parallel: 5, cacheMiB })
      for (let at = 1; at <= ROUNDS; at++) {
        await askWhileFailing(kind, engine, `decode ${at} ${how}`)
      }
      // Where heads fail to draft, or drafts have no room, nobody fails.
      expect(engine.stats().failed).toBeGreaterThanOrEqual(hasHeads(kind) ? 1 : ROUNDS)
    }
    expect(failures()).toBe(2 * ROUNDS)
  })

  // A recurrent state that is none hides in the rounding of what follows.
  test.skipIf(['hybrid', 'hybrid-heads', 'recurrent'].includes(kind))(
    'a state that is no number is kept for no request',
    async () => {
      const engine = await openEngine(kind, { parallel: 1, cacheMiB: 64 })
      const [ask] = asksFor([`${system} ${textOf(60, 2)}`], 40) as [Ask]
      await send(engine, { prompt: system, maxTokens: 1 }).text()
      process.env.SLUICE_TEST_FAILURE = `decode 1 spoiled ${log}`
      expect(await endOf(send(engine, ask)).text).toBe('ERR_ENGINE_FAILED')
      await expectAsAlone(kind, [ask], [await send(engine, ask).text()])
      expect(failures()).toBe(1)
    },
  )

  test.each(['save', 'restore'])('a %s that fails makes no other text', async (what) => {
    const engine = await openEngine(kind, { parallel: 2, cacheMiB: 64 })
    for (let at = 1; at <= ROUNDS; at++) await askWhileFailing(kind, engine, `${what} ${at} half`)
    expect(failures()).toBeGreaterThan(0)
    expect(engine.stats().failed).toBe(0)
  })
})

describe.skipIf(process.platform !== 'linux')('where a batch fails', () => {
  closeAfterEach()
  beforeEach(() => {
    rmSync(log, { force: true })
    useBinding(failedCallsAddon())
  })
  afterEach(() => {
    delete process.env.SLUICE_TEST_FAILURE
    useBinding(undefined)
  })

  const drafting: [string, ModelKind, Partial<LoadOptions>][] = [
    ['a draft model', 'plain', { draft: kindModel('plain') }],
    ['heads', 'heads', { mtp: true }],
    ['heads, and states that are kept', 'hybrid-heads', { mtp: true }],
  ]
  test.each(drafting)('a reply with %s is what it is without', async (_, kind, by) => {
    const engine = await openEngine(kind, { ...by, draftMax: 6, parallel: 1 })
    const [ask] = asksFor([textOf(60, 2)], 60) as [Ask]
    for (const how of HOW) {
      for (let at = 1; at <= 3 * ROUNDS; at++) {
        const cacheSalt = `${salt++}`
        process.env.SLUICE_TEST_FAILURE = `decode ${at} ${how} ${log}`
        const text = await endOf(send(engine, { ...ask, cacheSalt })).text
        if (text !== 'ERR_ENGINE_FAILED') await expectAsAlone(kind, [ask], [text])
        await expectAsAlone(kind, [ask], [await send(engine, { ...ask, cacheSalt }).text()])
      }
    }
    expect(failures()).toBe(HOW.length * 3 * ROUNDS)
    expect(engine.stats().draftAcceptedTokens).toBeGreaterThan(0)
  })

  // Which one it is that makes way, nobody fails for it who could go on later.
  test.each(['plain', 'hybrid'] as const)('a %s model goes on for want of cells', async (kind) => {
    const cells = { context: 512, kvCells: 512, parallel: 5, cacheMiB: 64 }
    const engine = await openEngine(kind, cells)
    const some = greedyAsksFor(
      [1, 2, 3, 4, 5].map((i) => textOf(40, 100 + i)),
      60,
    )
    const ends: { ask: Ask; text: string }[] = []
    for (let at = 1; at <= 4 * ROUNDS; at += 4) {
      process.env.SLUICE_TEST_FAILURE = `decode ${at} no-room ${log}`
      const texts = await Promise.all(some.map((ask) => endOf(send(engine, ask)).text))
      texts.forEach((text, i) => {
        if (text !== 'ERR_ENGINE_FAILED') ends.push({ ask: some[i] as Ask, text })
      })
    }
    expect(failures()).toBe(ROUNDS)
    expect(engine.stats().preempted).toBeGreaterThan(0)
    const answered = ends.map((end) => end.ask)
    const texts = ends.map((end) => end.text)
    await expectAsAloneButForTies(kind, answered, texts)
  })

  test.each(MODEL_KINDS)('a move of a %s model makes no other text', async (kind) => {
    const engine = await openEngine(kind, { parallel: 8, cacheMiB: 0 })
    const prompts = [1, 2, 3, 4, 5, 6, 7, 8].map((i) => textOf(12, 100 + i))
    const asks = asksFor(prompts, (i) => (i % 2 === 0 ? 30 : 150))
    for (const what of ['save', 'restore']) {
      for (let at = 1; at <= 4; at++) {
        process.env.SLUICE_TEST_FAILURE = `${what} ${at} half ${log}`
        const cacheSalt = `${salt++}`
        const texts = await sendAll(
          engine,
          asks.map((ask) => ({ ...ask, cacheSalt })),
        )
        await expectAsAlone(kind, asks, texts)
      }
    }
    expect(failures()).toBeGreaterThan(0)
    expect(engine.stats().failed).toBe(0)
  })

  test.each(MODEL_KINDS)('a %s model embeds as ever, or says that it failed', async (kind) => {
    const engine = await load({ model: kindModel(kind, { pooling: 3 }), threads: 1 })
    const texts = [40, 90, 20, 200].map((words) => textOf(words, words))
    const expected = (await engine.embed(texts)).embeddings
    for (const how of HOW) {
      process.env.SLUICE_TEST_FAILURE = `decode 1 ${how} ${log}`
      const ends = await Promise.allSettled(texts.map((text) => engine.embed(text)))
      ends.forEach((end, i) => {
        if (end.status === 'rejected') expect(end.reason.code).toBe('ERR_ENGINE_FAILED')
        else expectNear(end.value.embeddings[0], expected[i])
      })
      const again = (await engine.embed(texts)).embeddings
      again.forEach((vector, i) => {
        expectNear(vector, expected[i])
      })
    }
    await engine.close()
    expect(failures()).toBe(HOW.length)
  })
})

function expectNear(vector: Float32Array | undefined, expected: Float32Array | undefined): void {
  const cosine = vector?.reduce((sum, value, i) => sum + value * (expected?.[i] ?? 0), 0)
  expect(cosine).toBeCloseTo(1, 3)
}

let salt = 0

async function askWhileFailing(kind: ModelKind, engine: Engine, failure: string): Promise<void> {
  const cacheSalt = `${salt++}` // each round has a cache of its own
  const round = asks.map((ask) => ({ ...ask, cacheSalt }))
  await send(engine, { prompt: system, maxTokens: 1, cacheSalt }).text()
  const ends = round.slice(0, 2).map((ask) => endOf(send(engine, ask)))
  await Promise.all(ends.map((end) => end.begun))
  process.env.SLUICE_TEST_FAILURE = `${failure} ${log}`
  ends.push(...round.slice(2).map((ask) => endOf(send(engine, ask))))
  const ended = await Promise.all(ends.map((end) => end.text))
  delete process.env.SLUICE_TEST_FAILURE
  const isWhole = ended.map((end) => end !== 'ERR_ENGINE_FAILED')
  const whole = <T>(list: T[]) => list.filter((_, i) => isWhole[i])
  await expectAsAlone(kind, whole(round), whole(ended))
  // And whatever was kept of it is right.
  await expectAsAlone(kind, round, await sendAll(engine, round))
}

function endOf(reply: Reply): { begun: Promise<void>; text: Promise<string> } {
  let begin: () => void
  const begun = new Promise<void>((resolve) => {
    begin = resolve
  })
  const read = async () => {
    let text = ''
    for await (const part of reply) {
      text += part.text
      begin()
    }
    return text
  }
  const code = (error: unknown) => (error as { code: string }).code
  return {
    begun,
    text: read()
      .catch(code)
      .finally(() => begin()),
  }
}

function failures(): number {
  return readFileSync(log, 'utf8').split('\n').length - 1
}

function failedCallsAddon(): NativeAddon {
  const file = path.resolve('build/Release/failed-calls/sluice.node')
  return createRequire(import.meta.url)(file) as NativeAddon
}
