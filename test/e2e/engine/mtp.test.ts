import { describe, expect, test } from 'vitest'
import { type Engine, estimate, type LoadOptions, load, type Reply } from '../../../src/index.js'
import {
  type Ask,
  asksFor,
  closeAfterEach,
  expectAsAlone,
  greedyAsksFor,
  openEngine,
  send,
} from '../../support/alone.js'
import { canHold, holdableInEach, holdNextCall } from '../../support/held-engine.js'
import { HEADED_KINDS, kindModel, type ModelKind } from '../../support/models/model-kinds.js'
import { textOf } from '../../support/random-words.js'

// Texts are in exact.test.ts and speculation.test.ts. Here: that the heads guess from the right
// hidden rows and cells, which no text tells.

/** One token a step, so that no other reply has a say in how many. */
const countable = { draftMax: 1, cacheMiB: 64, window: 1024 }
/** So few that no step goes without drafts for the sake of measuring (speculation.cpp). */
const tokens = 50

interface Guesses {
  text: string
  drafted: number
  accepted: number
}

const guessesFor = (engine: Engine, ask: Ask) => guessesOf(send(engine, ask))

/** Of replies that all begin with the same batch. */
async function guessesTogether(engine: Engine, asks: Ask[]): Promise<Guesses[]> {
  const held = holdNextCall()
  const replies = asks.map((ask) => send(engine, ask))
  await Promise.all(replies.map(({ accepted }) => accepted))
  held.release()
  return Promise.all(replies.map(guessesOf))
}

async function guessesOf(reply: Reply): Promise<Guesses> {
  const text = await reply.text()
  const { draftTokens, draftAcceptedTokens } = (await reply.done).timings
  return { text, drafted: draftTokens, accepted: draftAcceptedTokens }
}

/** In an engine that has had no other request. */
async function lone(kind: ModelKind, ask: Ask): Promise<Guesses> {
  const engine = await openEngine(kind, { ...countable, parallel: 1 })
  const guesses = await guessesFor(engine, ask)
  await engine.close()
  return guesses
}

async function loneOnes(kind: ModelKind, asks: Ask[]): Promise<Guesses[]> {
  const all: Guesses[] = []
  for (const ask of asks) all.push(await lone(kind, ask))
  return all
}

describe.each(HEADED_KINDS)('%s guess what they guess alone', (kind) => {
  closeAfterEach()

  test.each(['its slot', 'host memory'])('in a second turn, from what %s has', async (place) => {
    const engine = await openEngine(kind, { ...countable, parallel: 1 })
    const [first] = greedyAsksFor([textOf(60, 3)], 40) as [Ask]
    const { text } = await guessesFor(engine, first)
    if (place === 'host memory') await send(engine, { prompt: textOf(90, 4), maxTokens: 9 }).text()
    const [second] = greedyAsksFor([first.prompt + text], tokens) as [Ask]
    const guesses = await guessesFor(engine, second)
    expect(engine.stats().cachedTokens).toBeGreaterThan(60)
    expect(guesses).toEqual(await lone(kind, second))
    expect(guesses.accepted).toBeGreaterThan(0)
  })
})

// All replies of a model whose states are kept draft, or none, so there it hangs on the others what
// is guessed; where its hidden rows are is in native/llama/test/row-order-test.cpp.
describe('heads guess what they guess alone beside others that draft', () => {
  closeAfterEach()
  const kind = 'heads'

  // Such ones share a batch. llama.cpp computes it in parts of equal lengths, and leaves the hidden
  // rows in their order.
  test('after short prompts of unequal lengths', async () => {
    const engine = await openEngine(kind, { ...countable, parallel: 9 })
    const first = send(engine, { prompt: textOf(700, 39), maxTokens: 1 })
    await first.accepted
    const prompts = [9, 3, 7, 4, 8, 2, 5, 6].map((words, i) => textOf(words, 40 + i))
    const asks = greedyAsksFor(prompts, tokens)
    const together = await Promise.all(asks.map((ask) => guessesFor(engine, ask)))
    const alone = await loneOnes(kind, asks)
    expect(together).toEqual(alone)
  })

  describe.runIf(canHold)('that begin together', () => {
    holdableInEach()

    test('in slots that change places when others end', async () => {
      const engine = await openEngine(kind, { ...countable, parallel: 8 })
      const prompts = [1, 2, 3, 4, 5, 6, 7, 8].map((i) => textOf(12, 100 + i))
      const asks = greedyAsksFor(prompts, (i) => (i % 2 === 0 ? 10 : tokens))
      const together = await guessesTogether(engine, asks)
      expect(engine.stats().moved).toBeGreaterThan(0)
      expect(together).toEqual(await loneOnes(kind, asks))
    })
  })
})

describe.each(HEADED_KINDS)('%s save steps', (kind) => {
  closeAfterEach()
  holdableInEach()

  test('of a lone reply: one for each token that was not accepted', async () => {
    const engine = await openEngine(kind, { draftMax: 2, parallel: 1, window: 256 })
    const [ask] = greedyAsksFor([textOf(30, 1)], 200) as [Ask]
    const { drafted, accepted } = await guessesFor(engine, ask)
    expect(accepted / drafted).toBeGreaterThan(0.4)
    expect(accepted).toBeGreaterThan(40)
    // The first token comes of the prompt.
    expect(engine.stats()).toMatchObject({
      decodeSteps: 199 - accepted,
      draftTokens: drafted,
      draftAcceptedTokens: accepted,
    })
  })

  test.runIf(canHold)('of four replies at once, for each of which a step drafts', async () => {
    const engine = await openEngine(kind, { draftMax: 1, parallel: 4, window: 256 })
    const prompts = [1, 2, 3, 4].map((i) => textOf(20, i))
    const asks = greedyAsksFor(prompts, 150)
    const all = await guessesTogether(engine, asks)
    for (const { accepted } of all) expect(accepted).toBeGreaterThan(15)
    const slowest = 149 - Math.min(...all.map(({ accepted }) => accepted))
    expect(engine.stats().decodeSteps).toBeLessThanOrEqual(slowest + 8)
  })

  test('where they are asked for: else the file is used without', async () => {
    const engine = await openEngine(kind, { mtp: false, draftMax: 4 })
    const [ask] = asksFor([textOf(20, 1)], 50) as [Ask]
    await expectAsAlone(kind, [ask], [await send(engine, ask).text()])
    expect(engine.stats()).toMatchObject({ draftTokens: 0, draftAcceptedTokens: 0 })
    expect(engine.settings).toMatchObject({ mtp: false })
  })
})

describe('the memory of heads', () => {
  const own = { threads: 1, parallel: 3, context: 512 }

  test('is part of an estimate: their layer’s weights and cells, and their buffers', async () => {
    const model = kindModel('heads')
    const without = (await estimate(model, own)).placement.host
    const expected = (await estimate(model, { ...own, mtp: true })).placement.host
    const engine = await load({ model, mtp: true, ...own })
    const { host } = engine.placement
    await engine.close()
    expect(expected.kvBytes).toBe(1.5 * without.kvBytes) // three layers for two
    expect(expected.weightsBytes).toBeGreaterThan(without.weightsBytes)
    expect(expected.computeBytes).toBeGreaterThan(without.computeBytes)
    expect(host.kvBytes).toBe(expected.kvBytes)
    expect(Math.abs(host.weightsBytes - expected.weightsBytes)).toBeLessThan(64)
    expect(Math.abs(host.computeBytes / expected.computeBytes - 1)).toBeLessThan(0.25)
  })
})

describe('the states that are kept for drafts', () => {
  const own = { threads: 1, parallel: 3, context: 512 }

  test.each([
    ['three, where draftMax is not given', {}, 3],
    ['as many as draftMax', { draftMax: 8 }, 8],
  ])('are %s, and part of an estimate', async (_, options, kept) => {
    const model = kindModel('hybrid-heads')
    const bytes = async (more: Partial<LoadOptions>) => {
      return (await estimate(model, { ...own, ...more })).placement.host.kvBytes
    }
    const cells = (await bytes({ context: 1024 })) - (await bytes({ context: 512 }))
    const state = (await bytes({})) - cells
    // The heads have as many cells as the one layer with attention.
    const expected = 2 * cells + (1 + kept) * state
    expect(await bytes({ mtp: true, ...options })).toBe(expected)
    const engine = await load({ model, mtp: true, ...own, ...options })
    expect(engine.placement.host.kvBytes).toBe(expected)
    await engine.close()
  })
})

describe('a load with heads refuses', () => {
  const refusal = async (options: LoadOptions) => {
    const outcome = await load({ mtp: true, ...options }).then(String, (error: Error) => error)
    return outcome as Error
  }

  test.each(['plain', 'hybrid'] as const)('a %s model, which has none', async (kind) => {
    const model = kindModel(kind)
    const error = await refusal({ model })
    expect(error).toMatchObject({ code: 'ERR_MODEL_INVALID' })
    expect(error.message).toBe(`${model} has no MTP heads to draft with; leave mtp out`)
    const refused = estimate(model, { mtp: true })
    await expect(refused).rejects.toMatchObject({ code: 'ERR_MODEL_INVALID' })
  })

  test('a model whose architecture has no graph for them', async () => {
    const model = kindModel('plain', { claimsHeads: true })
    const error = await refusal({ model })
    expect(error).toMatchObject({ code: 'ERR_MODEL_INVALID' })
    expect(error.message).toContain(model)
    expect(error.message).toContain('those of its architecture (llama) cannot be used')
  })

  test('a model that says it has some, and was saved without', async () => {
    const model = kindModel('heads', { claimsHeads: true })
    const error = await refusal({ model })
    expect(error).toMatchObject({ code: 'ERR_MODEL_INVALID' })
    expect(error.message).toContain('leave mtp out')
    const engine = await load({ model, threads: 1, context: 256 })
    expect((await engine.complete('the fox', { maxTokens: 3 }).done).usage.completionTokens).toBe(3)
    await engine.close()
  })

  test.each([{ lookup: true }, { draft: kindModel('plain') }])('them beside %j', async (more) => {
    const error = await refusal({ model: kindModel('heads'), ...more })
    expect(error).toMatchObject({ code: 'ERR_INVALID_OPTION', option: 'mtp' })
  })
})
