import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest'
import { useBinding } from '../../../src/binding/binding.js'
import type { NativeAddon } from '../../../src/binding/native.js'
import type { Engine, Reply } from '../../../src/index.js'
import {
  asksFor,
  closeAfterEach,
  expectAsAlone,
  openEngine,
  send,
  sendAll,
} from '../../support/alone.js'
import { MODEL_KINDS, type ModelKind } from '../../support/model-kinds.js'
import { randomWords } from '../../support/random-words.js'

// Whatever call of llama.cpp fails, and however: each reply is what its request says alone, or
// fails with a code. The addon here is made of the shipped one's own objects
// (native/llama/test/failures/failing-calls.cpp).

const folder = mkdtempSync(path.join(tmpdir(), 'sluice-failures-'))
const log = path.join(folder, 'failed')
afterAll(() => rmSync(folder, { recursive: true }))

const textOf = (words: number, seed: number) => randomWords(words, seed).join(' ')
const system = textOf(90, 1)

/** Two that generate, and three that come then: upon what is known, at once, and long. */
const asks = [
  ...asksFor([textOf(40, 2), textOf(30, 3)], 120),
  ...asksFor([`${system} ${textOf(40, 4)}`, textOf(20, 5), textOf(350, 6)], (i) => 1 + 8 * i),
]
const ROUNDS = 6

const HOW = ['no-room', 'invalid', 'memory', 'throws', 'half', 'half-throws']

describe.skipIf(process.platform !== 'linux').each(MODEL_KINDS)('with a %s model', (kind) => {
  closeAfterEach()
  beforeEach(() => {
    rmSync(log, { force: true })
    useBinding(failingAddon())
  })
  afterEach(() => {
    delete process.env.SLUICE_TEST_FAILURE
    useBinding(undefined)
  })

  test.each(HOW)('a call that fails (%s) makes no other text', async (how) => {
    for (const cacheMiB of [64, 0]) {
      const engine = await openEngine(kind, { parallel: 5, cacheMiB })
      for (let at = 1; at <= ROUNDS; at++) {
        await askWhileFailing(kind, engine, `decode ${at} ${how}`)
      }
      expect(engine.stats().failed).toBeGreaterThanOrEqual(ROUNDS)
    }
    expect(failures()).toBe(2 * ROUNDS)
  })

  test.each(['save', 'restore'])('a %s that fails makes no other text', async (what) => {
    const engine = await openEngine(kind, { parallel: 2, cacheMiB: 64 })
    for (let at = 1; at <= ROUNDS; at++) await askWhileFailing(kind, engine, `${what} ${at} half`)
    expect(failures()).toBeGreaterThan(0)
    expect(engine.stats().failed).toBe(0)
  })
})

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
  let begin = () => {}
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
  return { begun, text: read().catch(code).finally(begin) }
}

function failures(): number {
  return readFileSync(log, 'utf8').split('\n').length - 1
}

function failingAddon(): NativeAddon {
  const file = path.resolve('build/Release/failing/sluice.node')
  return createRequire(import.meta.url)(file) as NativeAddon
}
