import { describe, expect, test } from 'vitest'
import type { Engine, Reply } from '../../../src/index.js'
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
import { canHold, holdableInEach, holdNextCall } from '../../support/held-engine.js'
import { HEADED_KINDS, MODEL_KINDS } from '../../support/models/model-kinds.js'
import { textOf } from '../../support/random-words.js'

// Whatever is shared, moved, set aside or taken back: each text is exactly that of its request
// alone, in an engine that has had no other. What the models must be like for this to mean
// something is in model-kinds.test.ts; that a wrong cell is found out, in faults.test.ts.

const system = textOf(300, 1)
/** Different from the first word on. */
const questions = (count: number) => Array.from({ length: count }, (_, i) => textOf(12, 100 + i))
const withSystem = (count: number) => questions(count).map((question) => `${system}. ${question}`)
const MiB64 = { cacheMiB: 64 }

describe.each([...MODEL_KINDS, ...HEADED_KINDS])('a %s model says what it says alone', (kind) => {
  closeAfterEach()
  const isTrimmable = kind === 'plain' || kind === 'heads'

  test.each([8, 4])(
    'to sixteen requests with one new system prompt at once, in %i slots',
    async (n) => {
      const engine = await openEngine(kind, { parallel: n, ...MiB64 })
      const asks = asksFor(withSystem(16), 40)
      await expectAsAlone(kind, asks, await sendAll(engine, asks))
      // Fifteen of sixteen find it there.
      const { promptTokens, cachedTokens } = engine.stats()
      expect(cachedTokens / promptTokens).toBeGreaterThan(0.8)
    },
  )

  test('in the second and third turn of a conversation, computing only what is new', async () => {
    const engine = await openEngine(kind, { parallel: 2, ...MiB64 })
    let prompt = system
    for (const turn of [1, 2, 3]) {
      const [ask] = asksFor([prompt], 60) as [Ask]
      const reply = send(engine, ask)
      const text = await reply.text()
      await expectAsAlone(kind, [ask], [text])
      const { cachedTokens, promptTokens } = (await reply.done).usage
      if (turn === 1) expect(cachedTokens).toBe(0)
      else expect(promptTokens - cachedTokens).toBeLessThan(40)
      prompt += `${text} ${textOf(20, turn)}`
    }
  })

  test('in conversations that take turns in fewer slots than they are', async () => {
    const engine = await openEngine(kind, { parallel: 2, ...MiB64 })
    const prompts = questions(5).map((question, i) => `${question} ${textOf(80, i)}`)
    for (const turn of [1, 2, 3]) {
      const asks = asksFor(prompts, 30)
      const texts = await sendAll(engine, asks)
      await expectAsAlone(kind, asks, texts)
      prompts.forEach((prompt, i) => {
        prompts[i] = `${prompt}${texts[i]} ${textOf(5, turn)}`
      })
    }
    const { promptTokens, cachedTokens } = engine.stats()
    expect(cachedTokens / promptTokens).toBeGreaterThan(0.5)
  })

  test('to the same prompt twice, all but its end being there', async () => {
    const engine = await openEngine(kind, { parallel: 2, ...MiB64 })
    const asks = [...asksFor([system], 80), ...asksFor([system], 50)]
    const first = await sendAll(engine, asks)
    await expectAsAlone(kind, asks, first)
    const again = send(engine, asks[0] as Ask)
    expect(await again.text()).toBe(first[0])
    const { cachedTokens, promptTokens } = (await again.done).usage
    expect(promptTokens - cachedTokens).toBe(1)
  })

  test('to a request that shares the beginning of a reply that still runs', async () => {
    const engine = await openEngine(kind, { parallel: 3, ...MiB64 })
    const [running] = asksFor([system], 600) as [Ask]
    const first = send(engine, running)
    let text = ''
    const joined: { ask: Ask; reply: Reply }[] = []
    for await (const part of first) {
      text += part.text
      if (joined.length > 0 || text.length < 100) continue
      const prompts = [`${system}${text} ${textOf(9, 3)}`, `${system} ${textOf(9, 4)}`]
      for (const ask of asksFor(prompts, 50)) joined.push({ ask, reply: send(engine, ask) })
    }
    const texts = await Promise.all(joined.map(({ reply }) => reply.text()))
    await expectAsAlone(kind, [running, ...joined.map(({ ask }) => ask)], [text, ...texts])
    for (const { reply } of joined) {
      const { cachedTokens } = (await reply.done).usage
      if (isTrimmable) expect(cachedTokens).toBeGreaterThanOrEqual(300)
    }
  })

  test('to readers that stop and go on, whose slots others needed meanwhile', async () => {
    const engine = await openEngine(kind, { parallel: 2, window: 16, ...MiB64 })
    const asks = asksFor([...questions(4), ...withSystem(4)], 200)
    const stalled = asks.slice(0, 4).map((ask) => stallingReader(engine, ask))
    await Promise.all(stalled.map(({ hasBegun }) => hasBegun))
    const others = await sendAll(engine, asks.slice(4))
    for (const { goOn } of stalled) goOn()
    const texts = await Promise.all(stalled.map(({ text }) => text))
    await expectAsAlone(kind, asks, [...texts, ...others])
    expect(engine.stats().preempted).toBeGreaterThanOrEqual(3)
  })

  describe.runIf(canHold)('in a batch that is held', () => {
    holdableInEach()

    test('to requests that waited for the prefix of one that was cancelled', async () => {
      const engine = await openEngine(kind, { parallel: 4, context: 4096, ...MiB64 })
      const long = textOf(2000, 9)
      const held = holdNextCall()
      const leader = send(engine, { prompt: `${long} and`, maxTokens: 200, ignoreEos: true })
      await held.begun
      const asks = asksFor(
        questions(3).map((question) => `${long} ${question}`),
        30,
      )
      const replies = asks.map((ask) => send(engine, ask))
      await Promise.all(replies.map(({ accepted }) => accepted))
      leader.cancel()
      held.release()
      expect((await leader.done).usage.completionTokens).toBe(0)
      await expectAsAlone(kind, asks, await Promise.all(replies.map((reply) => reply.text())))
    })
  })

  test('with fewer shared cells than they need: some make room and come back', async () => {
    const cells = { context: 512, kvCells: 640 }
    const engine = await openEngine(kind, { parallel: 4, ...cells, ...MiB64 })
    const asks = greedyAsksFor(withSystem(2).concat(questions(6)), 180)
    await expectAsAloneButForTies(kind, asks, await sendAll(engine, asks))
    const { preempted, failed } = engine.stats()
    expect(failed).toBe(0)
    if (kind !== 'recurrent') expect(preempted).toBeGreaterThan(0)
  })

  test('while ids are compacted: replies of many lengths, ending one after another', async () => {
    const engine = await openEngine(kind, { parallel: 8, ...MiB64 })
    const asks = asksFor(questions(16), (i) => 20 + ((i * 7) % 16) * 20)
    await expectAsAlone(kind, asks, await sendAll(engine, asks))
    expect(engine.stats().moved).toBeGreaterThan(0)
  })

  test('to each salt apart: the same prompt shares nothing between them', async () => {
    const engine = await openEngine(kind, { parallel: 4, ...MiB64 })
    const [plain] = asksFor([system], 40) as [Ask]
    const asks: Ask[] = ['a', 'b', 'c'].map((cacheSalt) => ({ ...plain, cacheSalt }))
    asks.push(plain)
    await expectAsAlone(kind, asks, await sendAll(engine, asks))
    expect(engine.stats().cachedTokens).toBe(0)
    const again = send(engine, asks[1] as Ask)
    await expectAsAlone(kind, [plain], [await again.text()])
    expect((await again.done).usage.cachedTokens).toBeGreaterThan(0)
  })

  test('without memory for states, which changes what is computed and nothing else', async () => {
    const engine = await openEngine(kind, { parallel: 4, window: 16, cacheMiB: 0 })
    const asks = asksFor(withSystem(8).concat(questions(8)), (i) => 20 + i * 5)
    await expectAsAlone(kind, asks, await sendAll(engine, asks))
    await expectAsAlone(kind, asks, await sendAll(engine, asks))
    expect(engine.stats()).toMatchObject({ cacheBytes: 0, cacheEntries: 0, failed: 0 })
  })

  test.each([0, 1, 64])(
    'when all of it happens at once, with %i MiB for states',
    async (cacheMiB) => {
      const engine = await openEngine(kind, { parallel: 6, window: 16, cacheMiB })
      const asks = asksFor(withSystem(12).concat(questions(12)), (i) => 20 + ((i * 11) % 24) * 10)
      await expectAsAlone(kind, asks, await sendWithStallsAndLeavers(engine, asks))
      expect(engine.stats()).toMatchObject({ running: 0, parked: 0, queued: 0, failed: 0 })
    },
  )

  test('when all of it happens at once, in few shared cells', async () => {
    const cells = { context: 640, kvCells: 1000 }
    const engine = await openEngine(kind, { parallel: 6, window: 16, cacheMiB: 1, ...cells })
    const asks = greedyAsksFor(withSystem(6).concat(questions(6)), (i) => 20 + ((i * 5) % 12) * 20)
    await expectAsAloneButForTies(kind, asks, await sendWithStallsAndLeavers(engine, asks))
    expect(engine.stats()).toMatchObject({ running: 0, parked: 0, queued: 0, failed: 0 })
  })
})

/** Every third reader stalls until all the others have read; six more leave at once. */
async function sendWithStallsAndLeavers(engine: Engine, asks: Ask[]): Promise<string[]> {
  const stalled = asks.map((ask, i) => (i % 3 === 0 ? stallingReader(engine, ask) : undefined))
  const leavers = withSystem(6).map((prompt) => send(engine, { prompt, ignoreEos: true }))
  const texts = asks.map((ask, i) => stalled[i]?.text ?? send(engine, ask).text())
  for (const leaver of leavers) {
    await leaver.accepted
    leaver.cancel()
  }
  await Promise.all(texts.filter((_, i) => stalled[i] === undefined))
  for (const reader of stalled) reader?.goOn()
  return Promise.all(texts)
}

interface StallingReader {
  hasBegun: Promise<void>
  goOn(): void
  text: Promise<string>
}

/** Takes one part and then nothing more until it is told to go on. */
function stallingReader(engine: Engine, ask: Ask): StallingReader {
  let goOn!: () => void
  const told = new Promise<void>((resolve) => {
    goOn = resolve
  })
  let begin!: () => void
  const hasBegun = new Promise<void>((resolve) => {
    begin = resolve
  })
  const read = async () => {
    let text = ''
    for await (const part of send(engine, ask)) {
      text += part.text
      begin()
      await told
    }
    return text
  }
  return { hasBegun, goOn, text: read() }
}
