import OpenAI from 'openai'
import { describe, expect, test } from 'vitest'
import type { EngineStats } from '../../../src/api/types.js'
import { eventually } from '../../support/eventually.js'
import { largeRandomModel, randomModel } from '../../support/models/random-model.js'
import { post, type RawClient } from '../../support/raw-client.js'
import { chat, chatPath, closeAfterEach, postJson, story } from '../../support/serve.js'
import { type ServedReal, serveReal, stepsAtLeave } from '../../support/serve-real.js'
import { wireCheck } from '../../support/wire/checks.mjs'

closeAfterEach()

const ways = { FIN: (raw: RawClient) => raw.fin(), RST: (raw: RawClient) => raw.reset() }
type Way = keyof typeof ways
const endless = { ignore_eos: true, max_tokens: 100_000 }
/**
 * Room for a reply that is under way for as long as a test may take, and that never waits for its
 * reader: one that is parked for a while gives up its slot.
 */
const roomy = () => ({
  model: randomModel({ context: 2 ** 16 }),
  context: 2 ** 16,
  window: 2 ** 16,
})
const longPrompt = { messages: [{ role: 'user', content: 'a story of many words '.repeat(500) }] }

const stages = {
  'mid-decode': {
    body: endless,
    isThere: (now: EngineStats) => now.tokensGenerated > 20,
  },
  'mid-prefill': {
    body: { ...endless, ...longPrompt },
    isThere: (now: EngineStats) => now.rowsPrefilled > 0 && now.tokensGenerated === 0,
  },
}

const cases = (Object.keys(stages) as (keyof typeof stages)[]).flatMap((stage) =>
  (Object.keys(ways) as Way[]).flatMap((way) =>
    [true, false].map((stream) => ({ stage, way, stream })),
  ),
)

describe(wireCheck(26, 28, 29), () => {
  test.each(cases)(
    '$way in $stage costs at most one more step, stream: $stream',
    async ({ stage, way, stream }) => {
      const served = await serveReal({ model: largeRandomModel(), parallel: 1 })
      const { engine, client, url, quiet, log } = served
      const stepsWhenGone = stepsAtLeave(served)
      const { body, isThere } = stages[stage]
      const raw = await client()
      raw.send(post(chatPath, story({ stream, ...body })))
      await eventually(() => isThere(engine.stats()))
      ways[way](raw)
      await eventually(() => stepsWhenGone.length === 1)
      await quiet()
      expect(engine.stats().steps - (stepsWhenGone[0] ?? 0)).toBeLessThanOrEqual(1)
      expect(engine.stats()).toMatchObject({ cancelled: 1, finished: 0, failed: 0 })
      // 21: the log has the tokens that it took.
      await eventually(() => log.length === 1)
      const { promptTokens, tokensGenerated } = engine.stats()
      expect(log[0]).toMatchObject({
        outcome: 'gone',
        promptTokens,
        completionTokens: tokensGenerated,
      })
      expect((await chat(url, story({ max_tokens: 1 }))).status).toBe(200)
    },
  )
})

describe.each(Object.keys(ways) as Way[])('a client that leaves by %s', (way) => {
  test.each([
    ['the state', 400, (now: EngineStats) => now.rowsPrefilled > 0 && now.finished === 0],
    ['a question', 10, (now: EngineStats) => now.finished > 2],
  ])('in the middle of %s of a decision costs at most one more step', async (_, words, isThere) => {
    const served = await serveReal({ model: largeRandomModel(), parallel: 2, context: 8192 })
    const { engine, client, url, quiet } = served
    const stepsWhenGone = stepsAtLeave(served)
    const questions = Array.from({ length: 400 }, (_, i) => {
      return { type: 'predicate', instructions: `Is it so of a story of many words, ${i}?` }
    })
    const input = 'a story of many words '.repeat(words)
    // The first call looks through the vocabulary.
    const body = { model: 'default', input: 'a', questions: questions.slice(0, 1) }
    expect((await postJson(url, '/v1/decisions', body)).status).toBe(200)
    const before = engine.stats()
    const raw = await client()
    raw.send(post('/v1/decisions', { ...body, input, questions }))
    const since = (now: EngineStats) => ({
      ...now,
      rowsPrefilled: now.rowsPrefilled - before.rowsPrefilled,
      finished: now.finished - before.finished,
    })
    await eventually(() => isThere(since(engine.stats())))
    ways[way](raw)
    await eventually(() => stepsWhenGone.length > 0)
    await quiet()
    expect(engine.stats().steps - (stepsWhenGone.at(-1) ?? 0)).toBeLessThanOrEqual(1)
    expect(engine.stats().cancelled).toBeGreaterThan(0)
    const { finished, failed } = since(engine.stats())
    expect(finished).toBeLessThan(400)
    expect(failed).toBe(0)
  })
})

describe(wireCheck(26), () => {
  test('leaving the loop of the official client stops the generation', async () => {
    const served = await serveReal({ ...roomy(), parallel: 1 })
    const { engine, url, quiet } = served
    const stepsWhenGone = stepsAtLeave(served)
    const client = new OpenAI({ apiKey: 'any', baseURL: `${url}/v1` })
    const messages = [{ role: 'user' as const, content: 'Tell me a story' }]
    const body = { model: 'default', messages, stream: true as const, max_tokens: 10_000 }
    for await (const chunk of await client.chat.completions.create({ ...body, ...endless })) {
      if (chunk.choices[0]?.delta.content) break
    }
    await eventually(() => stepsWhenGone.length === 1)
    await quiet()
    expect(engine.stats().steps - (stepsWhenGone[0] ?? 0)).toBeLessThanOrEqual(1)
    expect(engine.stats()).toMatchObject({ cancelled: 1, finished: 0 })
  })
})

describe(wireCheck(27), () => {
  test('a queued request whose client left never runs', async () => {
    const { engine, client } = await serveReal({ ...roomy(), parallel: 1 })
    const first = await client()
    first.send(post(chatPath, story(endless)))
    await eventually(() => engine.stats().tokensGenerated > 0)
    for (const way of Object.values(ways)) {
      const { rowsPrefilled, cancelled } = engine.stats()
      const second = await client()
      second.send(post(chatPath, story(longPrompt)))
      await second.seen('"role"')
      way(second)
      await eventually(() => engine.stats().cancelled === cancelled + 1)
      expect(engine.stats()).toMatchObject({ queued: 0, rowsPrefilled })
    }
  })
})

describe(wireCheck(30), () => {
  test('1,000 clients that leave at random leave nothing, and all others are served', async () => {
    const served = await serveReal({ model: randomModel(), parallel: 4, queue: 400 })
    const { engine, server, log, url, quiet } = served
    for (let round = 0; round < 20; round++) await leaveRandomly(served, 50, round)
    await quiet()
    await eventually(() => log.length === 1000, 'not every request was logged')
    const { started, finished, cancelled, failed, queued, running, parked } = engine.stats()
    expect({ queued, running, parked, failed }).toEqual({
      queued: 0,
      running: 0,
      parked: 0,
      failed: 0,
    })
    expect(started).toBe(finished + cancelled)
    expect(log.every(({ outcome }) => outcome !== 'failed')).toBe(true)
    // Each is told with what it took, whether its client saw the end or not.
    const told = log.reduce((sum, { completionTokens = 0 }) => sum + completionTokens, 0)
    expect(told).toBe(engine.stats().tokensGenerated)
    let connections = -1
    await eventually(() => {
      server.server.getConnections((_, count) => {
        connections = count
      })
      return connections === 0
    }, 'a connection stayed open')
    expect((await chat(url, story({ max_tokens: 1 }))).status).toBe(200)
  })
})

/** Each client leaves after as many bytes as chance says, some before the first. */
async function leaveRandomly(served: ServedReal, count: number, round: number): Promise<void> {
  const leavers = Array.from({ length: count }, async (_, i) => {
    const raw = await served.client()
    const body = { stream: i % 5 !== 0, ignore_eos: true, max_tokens: 60 }
    raw.send(post(chatPath, story(body)))
    const bytes = ((i * 7919 + round * 104_729) % 30) * 500
    await eventually(() => raw.text.length >= bytes || /\[DONE\]|"usage"/.test(raw.text))
    if (i % 2 === 0) raw.reset()
    else raw.fin()
  })
  await Promise.all(leavers)
}
