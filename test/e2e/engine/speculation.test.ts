import os from 'node:os'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { type LoadOptions, load } from '../../../src/index.js'
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
import { eventually } from '../../support/eventually.js'
import { canHold, holdableInEach, holdNextCall } from '../../support/held-engine.js'
import { kindModel, type ModelKind } from '../../support/models/model-kinds.js'
import { largeRandomModel, randomModel } from '../../support/models/random-model.js'
import { scriptModel } from '../../support/models/script-model.js'
import { textOf } from '../../support/random-words.js'

const target = kindModel('plain')
/**
 * As its own draft, the target guesses whatever it is going to say; another model never does. A
 * given draftMax makes steps countable: without, how many are drafted hangs on the time they take.
 */
const drafts: Record<string, Partial<LoadOptions>> = {
  'itself as the draft': { draft: target, draftMax: 8 },
  'a draft that is always wrong': { draft: kindModel('plain', { seed: 2 }), draftMax: 8 },
  'look-ups': { lookup: true, draftMax: 8 },
  'the heads of its model': { mtp: true, draftMax: 8 },
}
/** Of the last three the states are kept, for as many tokens as are drafted. */
const speculating: [string, ModelKind, Partial<LoadOptions>][] = [
  ...Object.entries(drafts).map(([name, options]): [string, ModelKind, Partial<LoadOptions>] => {
    return [name, options.mtp ? 'heads' : 'plain', options]
  }),
  ['the heads of its hybrid model', 'hybrid-heads', { mtp: true, draftMax: 8 }],
  ['a draft model and a hybrid model', 'hybrid-heads', { mtp: false, draft: target, draftMax: 8 }],
  ['look-ups and a hybrid model', 'hybrid-heads', { mtp: false, lookup: true, draftMax: 8 }],
]
const itself = drafts['itself as the draft'] as Partial<LoadOptions>

describe.each(speculating)('a reply with %s says what it says without', (_, kind, options) => {
  closeAfterEach()

  test('greedily and drawn, after short prompts and long ones, for any draftMax', async () => {
    const { draftMax: _, ...measured } = options
    for (const limit of [{ draftMax: 1 }, { draftMax: 5 }, { draftMax: 16 }, {}]) {
      const engine = await openEngine(kind, { ...measured, ...limit })
      const prompts = [4, 60, 250, 400].flatMap((words) => [textOf(words, 1), textOf(words, 2)])
      const asks = asksFor(prompts, 150)
      const texts: string[] = []
      for (const ask of asks) texts.push(await send(engine, ask).text())
      await expectAsAlone(kind, asks, texts)
    }
  })

  test('while it is alone at times and among others at other times', async () => {
    const engine = await openEngine(kind, { ...options, parallel: 3 })
    const asks = asksFor(
      [1, 2, 3, 4].map((seed) => textOf(20, seed)),
      (i) => 100 * (i + 1),
    )
    await expectAsAlone(kind, asks, await sendAll(engine, asks))
  })

  test('in the second and third turn, whose cells are all there', async () => {
    const engine = await openEngine(kind, options)
    let prompt = textOf(40, 7)
    for (const turn of [1, 2, 3]) {
      const [ask] = asksFor([prompt], 70) as [Ask]
      const reply = send(engine, ask)
      const text = await reply.text()
      await expectAsAlone(kind, [ask], [text])
      const { promptTokens, cachedTokens } = (await reply.done).usage
      // All but the reply's last token, which was never computed, and the new words.
      if (turn > 1) expect(promptTokens - cachedTokens).toBeLessThan(20)
      prompt += `${text} ${textOf(5, turn)}`
    }
  })

  test('with cells that all share, of which drafts take no more than are free', async () => {
    const cells = { context: 256, kvCells: 300 }
    const engine = await openEngine(kind, { ...options, ...cells, parallel: 2 })
    for (const seed of [1, 2, 3]) {
      const asks = greedyAsksFor([textOf(20, seed), textOf(20, seed + 9)], (i) => 60 + 100 * i)
      await expectAsAloneButForTies(kind, asks, await sendAll(engine, asks))
    }
    expect(engine.stats().failed).toBe(0)
  })

  test('with a penalty, which changes from token to token', async () => {
    const engine = await openEngine(kind, options)
    const asks = asksFor([textOf(30, 3), textOf(30, 4)], 120).map((ask) => {
      return { ...ask, repeatPenalty: 1.3, frequencyPenalty: 0.5 }
    })
    for (const ask of asks) await expectAsAlone(kind, [ask], [await send(engine, ask).text()])
  })
})

describe('an accepted run ends where single tokens would', () => {
  closeAfterEach()
  const prompt = textOf(20, 5)
  const ask = { prompt, temperature: 0, ignoreEos: true }
  const inBoth = async (options: Partial<LoadOptions>, request: Ask) => {
    const ends = []
    for (const more of [{}, { ...itself, draftMax: 16 }]) {
      const engine = await openEngine('plain', { ...options, ...more })
      const reply = send(engine, request)
      const text = await reply.text()
      const { timings, usage, finishReason, stopString } = await reply.done
      ends.push({ finishReason, stopString, text, completionTokens: usage.completionTokens })
      if ('draft' in more) expect(timings.draftAcceptedTokens).toBeGreaterThan(0)
    }
    return ends as [object, object]
  }

  test.each([3, 7, 8, 9, 30])('at maxTokens %i', async (maxTokens) => {
    const [without, drafted] = await inBoth({}, { ...ask, maxTokens })
    expect(drafted).toEqual(without)
    expect(drafted).toMatchObject({ finishReason: 'length', completionTokens: maxTokens })
  })

  test('at a stop string in its middle, over two tokens', async () => {
    const engine = await openEngine('plain', {})
    const text = await send(engine, { ...ask, maxTokens: 100 }).text()
    for (const at of [20, 21, 22, 23, 24]) {
      const stop = text.slice(at, at + 2)
      const [without, drafted] = await inBoth({}, { ...ask, maxTokens: 100, stop })
      expect(drafted).toEqual(without)
      expect(drafted).toMatchObject({ finishReason: 'stop', stopString: stop })
    }
  })

  test('at the end of the context', async () => {
    const [without, drafted] = await inBoth({ context: 150 }, ask)
    expect(drafted).toEqual(without)
    expect(drafted).toMatchObject({ finishReason: 'length' })
  })

  test('at the end of generation', async () => {
    const model = scriptModel({
      reply: 'Once there was a fox who did not know what to say. The end',
    })
    const engine = await load({ model, draft: model, draftMax: 8, kvType: 'q8_0', context: 512 })
    const reply = engine.complete('Tell', { temperature: 0 })
    expect(await reply.text()).toContain('The end')
    const { finishReason, timings } = await reply.done
    expect(finishReason).toBe('stop')
    expect(timings.draftAcceptedTokens).toBeGreaterThan(5)
    await engine.close()
  })

  test('at the window: never more is generated than the reader may be ahead', async () => {
    const window = 10
    const engine = await openEngine('plain', { ...itself, window })
    const reply = send(engine, { ...ask, maxTokens: 300 })
    await eventually(() => engine.stats().parked === 1)
    expect(engine.stats().tokensGenerated).toBe(window)
    let [text, tokens] = ['', 0]
    for await (const part of reply) {
      text += part.text
      tokens += part.tokens
      expect(engine.stats().tokensGenerated).toBeLessThanOrEqual(tokens + window)
    }
    await expectAsAlone('plain', [{ ...ask, maxTokens: 300 }], [text])
    expect((await reply.done).timings.draftAcceptedTokens).toBeGreaterThan(100)
  })
})

// No reader is waited for here: what is drafted ends at the window.
describe('speculation saves steps', () => {
  closeAfterEach()
  holdableInEach()

  test('with the target as its draft: accepted above 0.9, under half the steps', async () => {
    const engine = await openEngine('plain', { ...itself, window: 512 })
    const [ask] = asksFor([textOf(30, 1)], 300) as [Ask]
    const reply = send(engine, ask)
    const { timings } = await reply.done
    const { decodeSteps, ...stats } = engine.stats()
    expect(timings.draftAcceptedTokens / timings.draftTokens).toBeGreaterThan(0.9)
    expect(stats.draftTokens).toBe(timings.draftTokens)
    expect(stats.draftAcceptedTokens).toBe(timings.draftAcceptedTokens)
    // The first token comes of the prompt; every other one is accepted, or the step's own.
    expect(decodeSteps).toBe(299 - timings.draftAcceptedTokens)
    expect(decodeSteps).toBeLessThan(150)
  })

  test('with look-ups in a text that repeats itself: under a third of the steps', async () => {
    const reply = 'The quick brown fox jumps over the lazy dog and runs home. '
    const model = scriptModel({ reply, repeat: true })
    const countable = { context: 2048, threads: 1, window: 1024 }
    const engine = await load({ model, lookup: true, draftMax: 8, ...countable })
    const { timings } = await engine.complete('Go', { maxTokens: 600, ignoreEos: true }).done
    expect(timings.draftAcceptedTokens / timings.draftTokens).toBeGreaterThan(0.9)
    expect(engine.stats().decodeSteps).toBeLessThan(200)
    await engine.close()
  })

  test.runIf(canHold)('with look-ups for four replies at once, in the same steps', async () => {
    const reply = 'The quick brown fox jumps over the lazy dog and runs home. '
    const model = scriptModel({ reply, repeat: true })
    const countable = { context: 2048, parallel: 4, window: 1024 }
    const engine = await load({ model, lookup: true, draftMax: 7, ...countable })
    const held = holdNextCall()
    const replies = [1, 2, 3, 4].map(() => {
      return engine.complete('Go', { maxTokens: 600, ignoreEos: true })
    })
    await Promise.all(replies.map(({ accepted }) => accepted))
    held.release()
    const ends = await Promise.all(replies.map((one) => one.done))
    for (const { timings } of ends) {
      expect(timings.draftAcceptedTokens / timings.draftTokens).toBeGreaterThan(0.9)
      expect(timings.draftAcceptedTokens).toBeGreaterThan(300)
    }
    // Alone each would take 600 steps without, and together as many.
    expect(engine.stats().decodeSteps).toBeLessThan(250)
    const texts = await Promise.all(replies.map((one) => one.text()))
    expect(new Set(texts).size).toBe(1)
    await engine.close()
  })

  test('unless the draft is always wrong, which is soon given up', async () => {
    const engine = await openEngine('plain', drafts['a draft that is always wrong'] ?? {})
    const { timings } = await send(engine, asksFor([textOf(30, 1)], 600)[0] as Ask).done
    expect(timings.draftTokens).toBeGreaterThan(0)
    expect(timings.draftTokens).toBeLessThan(40)
  })

  test.runIf(canHold)('of one reply that is alone, and drafts nothing for two', async () => {
    const engine = await openEngine('plain', { ...itself, parallel: 2, window: 512 })
    const asks = asksFor([textOf(20, 1), textOf(20, 2)], (i) => 200 + 200 * i)
    const held = holdNextCall()
    const [short, long] = asks.map((ask) => send(engine, ask))
    await Promise.all([short?.accepted, long?.accepted])
    held.release()
    const [first, second] = await Promise.all([short?.done, long?.done])
    // A reply runs alone before the other one's prompt is computed, and after its end. Alone all
    // the time it would draft about as many as it has.
    expect(first?.timings.draftTokens).toBeLessThan(100)
    expect(second?.timings.draftAcceptedTokens).toBeGreaterThan(20)
  })

  test('where it is asked for: nothing is counted without draft and lookup', async () => {
    const engine = await openEngine('plain', { draftMax: 4 })
    const { timings } = await send(engine, asksFor([textOf(20, 1)], 50)[0] as Ask).done
    expect(timings).toMatchObject({ draftTokens: 0, draftAcceptedTokens: 0 })
    expect(engine.stats()).toMatchObject({ draftTokens: 0, draftAcceptedTokens: 0 })
    expect(engine.settings).toMatchObject({ draft: null, lookup: false, draftMax: 4 })
  })
})

describe('a reply that is cancelled in the middle of a draft', () => {
  closeAfterEach()
  const gauges = { running: 0, parked: 0, queued: 0, cellsUsed: 0 }

  test('leaves every gauge at zero, and right cells, fifty times', async () => {
    const engine = await openEngine('plain', { ...itself, parallel: 2 })
    const prompt = textOf(30, 9)
    for (let round = 0; round < 50; round++) {
      const reply = send(engine, { prompt, temperature: 0, ignoreEos: true })
      let parts = 0
      for await (const _ of reply) if (++parts > round % 5) break
      expect((await reply.done).finishReason).toBe('cancelled')
      expect(engine.stats()).toMatchObject(gauges)
    }
    const asks = asksFor([prompt, `${prompt} ${textOf(10, 1)}`], 60)
    for (const ask of asks) await expectAsAlone('plain', [ask], [await send(engine, ask).text()])
  })

  test('is cancelled at once while the draft model reads a long prompt', async () => {
    const model = largeRandomModel()
    const options = { context: 4096, parallel: 1, threads: 1 }
    const engine = await load({ model: randomModel(), draft: model, draftMax: 8, ...options })
    const endless = { ignoreEos: true, maxTokens: 4000, temperature: 0 }
    const prompt = 'word '.repeat(800)
    const first = engine.complete(prompt, endless)
    for await (const _ of first) break
    await first.done
    expect(engine.stats()).toMatchObject({ ...gauges, draftTokens: 0 })
    const second = engine.complete(prompt, endless)
    for await (const _ of second) break
    await engine.close()
    expect(engine.stats()).toMatchObject(gauges)
  })
})

test('eight replies that all look up in one step share the rows of a batch', async () => {
  const engine = await load({ model: randomModel(), parallel: 8, context: 1024, lookup: true })
  const sampling = { maxTokens: 700, temperature: 0, ignoreEos: true }
  const prompt = 'one two one two one two one two'
  const replies = Array.from({ length: 8 }, () => engine.complete(prompt, sampling).text())
  expect(new Set(await Promise.all(replies)).size).toBe(1)
  expect(engine.stats().draftTokens).toBeGreaterThan(0)
  await engine.close()
})

describe('a load refuses', () => {
  afterEach(() => {
    vi.restoreAllMocks()
  })
  const refusal = async (options: LoadOptions) => {
    const outcome = await load(options).then(String, (error: Error) => error)
    return outcome as Error
  }

  test.each(['recurrent', 'hybrid', 'sliding-window'] as const)(
    'to speculate for a %s model, and takes one for no draft',
    async (kind) => {
      const model = kindModel(kind)
      const error = await refusal({ model, lookup: true })
      expect(error).toMatchObject({ code: 'ERR_MODEL_INVALID' })
      expect(error.message).toContain(model)
      const draft = await refusal({ model: target, draft: model })
      expect(draft).toMatchObject({ code: 'ERR_MODEL_INVALID' })
      expect(draft.message).toContain(model)
    },
  )

  test('a draft with another vocabulary, naming both', async () => {
    const draft = scriptModel({ reply: 'Hello there, this is something to say' })
    const error = await refusal({ model: target, draft })
    expect(error).toMatchObject({ code: 'ERR_MODEL_INVALID' })
    expect(error.message).toContain(target)
    expect(error.message).toContain(draft)
  })

  test('a draft that is not there', async () => {
    const error = await refusal({ model: target, draft: '/nowhere/draft.gguf' })
    expect(error).toMatchObject({ code: 'ERR_MODEL_NOT_FOUND' })
    expect(error.message).toContain('/nowhere/draft.gguf')
  })

  test('draft and lookup together', async () => {
    const error = await refusal({ model: target, draft: target, lookup: true })
    expect(error).toMatchObject({ code: 'ERR_INVALID_OPTION', option: 'lookup' })
  })

  test('a draft whose KV cache does not fit beside the model’s', async () => {
    // A token takes 512 bytes in the target's cache and 12 KiB in the draft's.
    vi.spyOn(os, 'freemem').mockReturnValue(32 * 2 ** 20)
    const draft = largeRandomModel()
    const error = await refusal({ model: randomModel(), draft, parallel: 1, context: 4096 })
    expect(error).toMatchObject({ code: 'ERR_OUT_OF_MEMORY' })
    const alone = await load({ model: randomModel(), parallel: 1, context: 4096 })
    await alone.close()
  })
})
