import { describe, expect, test } from 'vitest'
import type { Engine, PromptTokenLogprobs, Reply } from '../../../src/index.js'
import { eventually } from '../../support/eventually.js'
import { kindModel, MODEL_KINDS } from '../../support/models/model-kinds.js'
import { randomModel } from '../../support/models/random-model.js'
import { scriptModel } from '../../support/models/script-model.js'
import { suiteLoader } from '../../support/suite-engines.js'

// A prompt's logprobs are held against a way that knows nothing of them: each token forced by a
// bias after those before it, and its logprob told as a reply's.

const words = 'the fox and the owl went out of the wood and over the snow to the sea one day '

interface Scored {
  entries: PromptTokenLogprobs[]
  text: string
  tokens: number
}

async function scored(reply: Reply): Promise<Scored> {
  const told: Scored = { entries: [], text: '', tokens: 0 }
  for await (const part of reply) {
    told.text += part.text
    told.tokens += part.tokens
    told.entries.push(...(part.promptLogprobs ?? []))
  }
  return told
}

// So that sums do not depend on how many rows are computed together.
const exact = { model: randomModel({ weights: 'q8_0' }), kvType: 'q8_0' } as const
const onlyScores = { promptLogprobs: 0, maxTokens: 0 }

/** Of the tokens from `first` on, each after those before it. */
async function forced(engine: Engine, ids: readonly number[], first = 1): Promise<number[]> {
  const logprobs: number[] = []
  for (let i = first; i < ids.length; i++) {
    const options = { maxTokens: 1, temperature: 0, logprobs: 0, logitBias: { [ids[i] ?? 0]: 100 } }
    for await (const part of engine.complete(ids.slice(0, i), options)) {
      logprobs.push(...(part.logprobs ?? []).map(({ logprob }) => logprob))
    }
  }
  return logprobs
}

function expectClose(entries: readonly PromptTokenLogprobs[], expected: readonly number[]): void {
  expect(entries).toHaveLength(expected.length)
  for (const [i, { logprob }] of entries.entries()) {
    expect(logprob).toBeCloseTo(expected[i] ?? Number.NaN, 3)
  }
}

async function idsOf(engine: Engine, count: number): Promise<number[]> {
  const ids = await engine.tokenize(words.repeat(count))
  return [...ids.subarray(0, count)]
}

describe('prompt logprobs', () => {
  const open = suiteLoader()

  test('are those of each token forced after those before it', async () => {
    const engine = await open({ ...exact, context: 512 })
    const ids = await idsOf(engine, 140) // some calls
    const { entries, text, tokens } = await scored(
      engine.complete(ids, { promptLogprobs: 3, maxTokens: 0 }),
    )
    expect([text, tokens]).toEqual(['', 0])
    expect(entries[0]).toMatchObject({ logprob: null, top: [] })
    expectClose(entries.slice(1), await forced(engine, ids))
    for (const { top, logprob } of entries.slice(1)) {
      expect(top).toHaveLength(3)
      expect(top[0]?.logprob).toBeGreaterThanOrEqual(logprob ?? 0)
    }
    const bytes = Buffer.concat(entries.map((entry) => entry.bytes))
    expect(bytes.toString()).toBe(await engine.detokenize(ids))
  })

  test('are all told where the prompt is known, and leave it known', async () => {
    const engine = await open({ ...exact, context: 512 })
    const ids = await idsOf(engine, 150)
    const first = await scored(engine.complete(ids, onlyScores))
    const again = engine.complete(ids, onlyScores)
    expect((await scored(again)).entries).toEqual(first.entries)
    expect((await again.done).usage).toMatchObject({ promptTokens: 150, cachedTokens: 0 })
    const plain = engine.complete(ids, { maxTokens: 1 })
    expect((await plain.done).usage.cachedTokens).toBe(149)
  })

  test('are the same among others, whose replies do not stop for them', async () => {
    const engine = await open({ ...exact, context: 1024, parallel: 4 })
    const prompts = await Promise.all([40, 70, 300].map((count) => idsOf(engine, count)))
    const expected = []
    for (const ids of prompts) expected.push(await scored(engine.complete(ids, onlyScores)))
    const neighbour = engine.complete('the sea', { maxTokens: 300, ignoreEos: true })
    const replies = prompts.map((ids) => engine.complete(ids, onlyScores))
    const together = await Promise.all(replies.map(scored))
    for (const [i, { entries }] of together.entries()) {
      const alone = expected[i]?.entries.slice(1).map(({ logprob }) => logprob ?? 1) ?? []
      expectClose(entries.slice(1), alone)
    }
    expect((await neighbour.done).usage.completionTokens).toBe(300)
  })

  test('wait for their reader, which gets each once though the slot was given up', async () => {
    const engine = await open({ ...exact, context: 2048, parallel: 1, window: 8 })
    const ids = await idsOf(engine, 1500)
    const expected = await scored(engine.complete(ids, onlyScores))
    const parked = engine.complete(ids, onlyScores)
    await eventually(() => engine.stats().parked === 1)
    expect(engine.stats().cellsUsed).toBeLessThan(700)
    await engine.complete('the sea', { maxTokens: 5, ignoreEos: true }).done
    expect(engine.stats().preempted).toBe(1)
    const { entries } = await scored(parked)
    expect(entries.map(({ token }) => token)).toEqual(expected.entries.map(({ token }) => token))
    const alone = expected.entries.slice(1).map(({ logprob }) => logprob ?? 1)
    expectClose(entries.slice(1), alone)
  })

  test('are told of a slot that gave its state up as well, where that is not kept', async () => {
    const engine = await open({
      ...exact,
      context: 2048,
      parallel: 1,
      window: 8,
      cacheMiB: 0,
    })
    const ids = await idsOf(engine, 1500)
    const expected = await scored(engine.complete(ids, onlyScores))
    const parked = engine.complete(ids, onlyScores)
    await eventually(() => engine.stats().parked === 1)
    await engine.complete('the sea', { maxTokens: 5, ignoreEos: true }).done
    const { entries } = await scored(parked)
    const alone = expected.entries.slice(1).map(({ logprob }) => logprob ?? 1)
    expectClose(entries.slice(1), alone)
  })

  test('come before the reply, whose own follow and count the end', async () => {
    const engine = await open({ model: scriptModel({ reply: 'Once upon a time.' }) })
    const prompt = '<|im_start|>user\nTell<|im_end|>\n<|im_start|>assistant\n'
    const options = { promptLogprobs: 1, logprobs: 1, maxTokens: 50 }
    const reply = engine.complete(prompt, options)
    const seen: string[] = []
    const tokens: string[] = []
    for await (const part of reply) {
      if (part.promptLogprobs) seen.push('prompt')
      if (part.logprobs) seen.push('reply')
      tokens.push(...(part.logprobs ?? []).map(({ token }) => token))
    }
    expect(seen.lastIndexOf('prompt')).toBeLessThanOrEqual(seen.indexOf('reply'))
    const { usage } = await reply.done
    expect(tokens).toHaveLength(usage.completionTokens + 1)
    expect(tokens.at(-1)).toBe('<|im_end|>')
  })

  test('of one token are null, and of a full context are told', async () => {
    const engine = await open({ ...exact, context: 64 })
    const [id = 0, ...others] = await idsOf(engine, 64)
    const one = await scored(engine.complete([id], { promptLogprobs: 2, maxTokens: 2 }))
    expect(one.entries).toEqual([expect.objectContaining({ logprob: null, top: [] })])
    const all = await scored(engine.complete([id, ...others], onlyScores))
    expect(all.entries).toHaveLength(64)
    await expect(engine.complete([id, ...others], { maxTokens: 1 }).done).rejects.toMatchObject({
      code: 'ERR_CONTEXT_LENGTH',
    })
    await expect(engine.complete([id, id, ...others], onlyScores).done).rejects.toMatchObject({
      code: 'ERR_CONTEXT_LENGTH',
    })
  })

  test('are had by each choice', async () => {
    const engine = await open({ ...exact, context: 512 })
    const ids = await idsOf(engine, 100)
    const counts = [0, 0, 0]
    const options = { promptLogprobs: 0, maxTokens: 2, n: 3, ignoreEos: true }
    for await (const { choice, promptLogprobs = [] } of engine.complete(ids, options)) {
      counts[choice] = (counts[choice] ?? 0) + promptLogprobs.length
    }
    expect(counts).toEqual([100, 100, 100])
  })

  test.each([
    ['in a chat', {}],
    ['where replies are drafted for', { lookup: true }],
  ])('are told %s', async (_, more) => {
    const engine = await open({ ...exact, ...more, context: 512 })
    const asked = [{ role: 'user' as const, content: words }]
    const reply = engine.chat(asked, { promptLogprobs: 0, maxTokens: 40, ignoreEos: true })
    const { entries, tokens } = await scored(reply)
    const { usage } = await reply.done
    expect([entries.length, tokens]).toEqual([usage.promptTokens, 40])
    const text = Buffer.concat(entries.map(({ bytes }) => bytes)).toString()
    expect(text).toContain(words)
  })

  test('end with their reader', async () => {
    const engine = await open({ ...exact, context: 8192 })
    const ids = await idsOf(engine, 8000)
    for await (const part of engine.complete(ids, onlyScores)) {
      expect(part.promptLogprobs).toBeDefined()
      break
    }
    await eventually(() => engine.stats().cellsUsed === 0 && engine.stats().running === 0)
    expect(engine.stats().cancelled).toBe(1)
  })

  test.each(MODEL_KINDS)('of a model of kind %s are those of its tokens forced', async (kind) => {
    const engine = await open({ ...exact, model: kindModel(kind), context: 512 })
    const ids = await idsOf(engine, 90)
    const { entries } = await scored(engine.complete(ids, onlyScores))
    expectClose(entries.slice(80), await forced(engine, ids, 80))
  })
})

describe('no tokens to generate', () => {
  const open = suiteLoader()

  test('computes the prompt, so that the next one finds it', async () => {
    const engine = await open({ ...exact, context: 512 })
    const ids = await idsOf(engine, 120)
    const reply = engine.complete(ids, { maxTokens: 0 })
    const { finishReason, usage } = await reply.done
    expect(await reply.text()).toBe('')
    expect(finishReason).toBe('length')
    expect(usage).toMatchObject({ promptTokens: 120, completionTokens: 0 })
    const next = engine.complete([...ids, ids[0] ?? 0], { maxTokens: 1 })
    expect((await next.done).usage.cachedTokens).toBe(120)
    const stats = engine.stats()
    expect(stats.started).toBe(stats.finished)
  })

  test('is possible in a chat too, and as one token', async () => {
    const engine = await open({ ...exact, context: 512 })
    const chat = engine.chat([{ role: 'user', content: 'a fox' }], { maxTokens: 0 })
    expect((await chat.done).finishReason).toBe('length')
    expect((await engine.complete([5], { maxTokens: 0 }).done).usage.promptTokens).toBe(1)
  })
})
