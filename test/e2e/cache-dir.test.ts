import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Engine, LoadOptions } from '../../src/index.js'
import {
  type Ask,
  asksFor,
  closeAfterEach,
  expectAsAlone,
  openEngine,
  send,
  sendAll,
} from '../support/alone.js'
import { eventually } from '../support/eventually.js'
import { HEADED_KINDS, MODEL_KINDS, type ModelKind } from '../support/models/model-kinds.js'
import { textOf } from '../support/random-words.js'

const system = textOf(300, 1)
const withSystem = (count: number, seed = 100) =>
  Array.from({ length: count }, (_, i) => `${system}. ${textOf(12, seed + i)}`)

let cacheDir: string
beforeEach(() => {
  cacheDir = fs.mkdtempSync(path.join(os.tmpdir(), 'sluice-cache-'))
})
afterEach(() => {
  fs.rmSync(cacheDir, { recursive: true, force: true })
})

const states = () => fs.readdirSync(cacheDir).filter((name) => name.endsWith('.kv'))

function opened(kind: ModelKind, options: Omit<LoadOptions, 'model'> = {}): Promise<Engine> {
  return openEngine(kind, { parallel: 2, cacheMiB: 64, cacheDir, ...options })
}

/** The answers of one engine's life. */
async function lifeOf(kind: ModelKind, asks: Ask[], options: Omit<LoadOptions, 'model'> = {}) {
  const engine = await opened(kind, options)
  const texts = await sendAll(engine, asks)
  const stats = engine.stats()
  await engine.close()
  return { texts, stats }
}

describe.each([...MODEL_KINDS, ...HEADED_KINDS])('a %s model with a cache folder', (kind) => {
  closeAfterEach()

  test('says after a restart what it says alone, from what was computed before', async () => {
    await lifeOf(kind, asksFor(withSystem(3), 20))
    expect(states().length).toBeGreaterThan(0)
    // Other questions: what they share is the system prompt.
    const asks = asksFor(withSystem(2, 500), 40)
    const { texts, stats } = await lifeOf(kind, asks)
    await expectAsAlone(kind, asks, texts)
    expect(stats).toMatchObject({ diskReads: 1, diskErrors: 0, diskDropped: 0 })
    expect(stats.cachedTokens / stats.promptTokens).toBeGreaterThan(0.9)
  })

  test('goes on with a conversation after each of three restarts', async () => {
    let prompt = system
    for (const turn of [1, 2, 3]) {
      const engine = await opened(kind)
      const [ask] = asksFor([prompt], 60) as [Ask]
      const reply = send(engine, ask)
      const text = await reply.text()
      await expectAsAlone(kind, [ask], [text])
      const { cachedTokens, promptTokens } = (await reply.done).usage
      if (turn === 1) expect(cachedTokens).toBe(0)
      // At the end of an engine, what has grown by 256 tokens is written.
      else expect(promptTokens - cachedTokens).toBeLessThan(256 + 64)
      await engine.close()
      prompt += `${text} ${textOf(20, turn)}`
    }
  })

  test('writes while it is idle, not at its end alone', async () => {
    const engine = await opened(kind)
    await sendAll(engine, asksFor(withSystem(1), 20))
    // What is there and what is counted: a state more may be on its way.
    await eventually(() => {
      const { diskWrites } = engine.stats()
      return diskWrites > 0 && states().length === diskWrites
    })
  })

  test('finds nothing of another salt, KV type or context that scales positions', async () => {
    const [ask] = asksFor([system], 10) as [Ask]
    await lifeOf(kind, [{ ...ask, cacheSalt: 'a' }])
    const there = states()
    for (const [salt, kvType] of [
      ['b', 'q8_0'],
      ['a', 'f16'],
    ] as const) {
      const { stats } = await lifeOf(kind, [{ ...ask, cacheSalt: salt }], { kvType })
      expect(stats).toMatchObject({ diskReads: 0, cachedTokens: 0, diskErrors: 0 })
    }
    expect(states()).toEqual(expect.arrayContaining(there))
    const { stats } = await lifeOf(kind, [{ ...ask, cacheSalt: 'a' }])
    expect(stats).toMatchObject({ diskReads: 1 })
  })

  test('without memory for states, too', async () => {
    const asks = asksFor(withSystem(1), 20)
    await lifeOf(kind, asks, { cacheMiB: 0 })
    const { texts, stats } = await lifeOf(kind, asks, { cacheMiB: 0 })
    await expectAsAlone(kind, asks, texts)
    const isWhole = kind === 'plain' || kind === 'heads'
    expect(stats.diskReads).toBe(isWhole ? 1 : 0) // others have no state of the prompt alone
  })
})

describe('a cache folder', () => {
  closeAfterEach()
  const kind = 'plain'

  test('has its last states counted, which are written while the engine closes', async () => {
    const engine = await opened(kind, { context: 2048 })
    const text = textOf(1300, 1)
    await sendAll(engine, asksFor([text], 1))
    await eventually(() => engine.stats().diskWrites === 1)
    // It grows by too little to be written again before the end.
    await sendAll(engine, asksFor([`${text} ${textOf(280, 2)}`], 1))
    expect(engine.stats().diskWrites).toBe(1)
    await engine.close()
    expect(engine.stats()).toMatchObject({ diskWrites: 2, diskEntries: 1, diskDropped: 0 })
  })

  test('with a byte changed or cut off is never a wrong token, and is mended', async () => {
    const asks = asksFor(withSystem(1), 30)
    await lifeOf(kind, asks)
    const [name = ''] = states()
    const file = path.join(cacheDir, name)
    const whole = fs.readFileSync(file)
    const last = whole.length - 1
    for (const at of [0, 9, 50, 100, 2000, Math.floor(last / 2), last]) {
      const damaged = Buffer.from(whole)
      damaged[at] = (damaged[at] ?? 0) ^ 4
      fs.writeFileSync(file, damaged)
      const warnings: string[] = []
      const engine = await opened(kind, { onWarning: ({ code }) => warnings.push(code) })
      await expectAsAlone(kind, asks, await sendAll(engine, asks))
      expect(engine.stats()).toMatchObject({ diskReads: 0, diskErrors: 1, cachedTokens: 0 })
      expect(warnings).toEqual(['WARN_CACHE_DIR'])
      await engine.close()
      expect(fs.readFileSync(file).equals(whole)).toBe(true)
    }
  })

  test('that is a file is a warning, and the engine answers', async () => {
    const file = path.join(cacheDir, 'file')
    fs.writeFileSync(file, 'mine')
    const warnings: string[] = []
    const onWarning = ({ code }: { code: string }) => warnings.push(code)
    const asks = asksFor(withSystem(1), 10)
    const { texts } = await lifeOf(kind, asks, { cacheDir: file, onWarning })
    await expectAsAlone(kind, asks, texts)
    expect(warnings).toEqual(['WARN_CACHE_DIR'])
    expect(fs.readFileSync(file, 'utf8')).toBe('mine')
  })

  test('is shared by two engines at once', async () => {
    const [one, two] = await Promise.all([opened(kind), opened(kind)])
    const asks = asksFor(withSystem(4), 20)
    const texts = await Promise.all([sendAll(one, asks), sendAll(two, asks)])
    for (const said of texts) await expectAsAlone(kind, asks, said)
    await Promise.all([one.close(), two.close()])
    const { stats } = await lifeOf(kind, asks)
    expect(stats).toMatchObject({ diskReads: 1, diskErrors: 0 })
  })

  test('lets a request that waits for it be cancelled, and serves the next one', async () => {
    const asks = asksFor(withSystem(1), 10)
    await lifeOf(kind, asks)
    const engine = await opened(kind)
    const cancelled = send(engine, asks[0] as Ask)
    cancelled.cancel()
    await cancelled.done
    await expectAsAlone(kind, asks, await sendAll(engine, asks))
    expect(engine.stats().cachedTokens).toBeGreaterThan(0)
  })

  test('is for its owner alone', async () => {
    const own = path.join(cacheDir, 'states')
    await lifeOf(kind, asksFor(withSystem(1), 10), { cacheDir: own })
    expect(fs.statSync(own).mode & 0o777).toBe(0o700)
    const [name = ''] = fs.readdirSync(own)
    expect(fs.statSync(path.join(own, name)).mode & 0o777).toBe(0o600)
  })
})
