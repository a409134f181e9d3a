import { describe, expect, test } from 'vitest'
import type { NativeEngineOptions } from '../../../../src/binding/engine-port.js'
import { FakeEngine } from '../../../support/fake-engine.js'
import { randomModel } from '../../../support/models/random-model.js'
import { scriptModel } from '../../../support/models/script-model.js'
import { suiteLoader } from '../../../support/suite-engines.js'

const ofClient = [
  ...['queued', 'started', 'finished', 'cancelled', 'failed'],
  ...['cancelledQueued', 'cancelledPrefill', 'cancelledDecode', 'cancelledParked'],
  ...['isRestarting', 'restartsCrashed', 'restartsStalled', 'restartsFailed'],
  ...['adaptersRunning', 'adaptersWaiting'],
]
const fakeOptions = { parallel: 1, context: 512 } as NativeEngineOptions
const story = 'Déjà vu: the 狐 said “ÿ” to the 🦊, twice. '
const ask = [{ role: 'user' as const, content: 'Tell me a story' }]

describe('a reply of the real engine', () => {
  const open = suiteLoader()

  test('says what the model says, and ends by itself', async () => {
    const engine = await open({ model: scriptModel({ reply: story }) })
    const reply = engine.chat(ask)
    expect(await reply.text()).toBe(story)
    expect((await reply.done).finishReason).toBe('stop')
  })

  test('comes in whole characters, though tokens split them', async () => {
    const engine = await open({ model: scriptModel({ reply: story, repeat: true }) })
    let text = ''
    for await (const part of engine.chat(ask, { maxTokens: 400 })) {
      expect(part.text).not.toContain('\uFFFD')
      text += part.text
    }
    expect(story.repeat(20).startsWith(text)).toBe(true)
  })

  test('is the same for the same seed, and another for another seed', async () => {
    const engine = await open({ model: randomModel() })
    const say = (seed: number) => engine.chat(ask, { seed, maxTokens: 60, ignoreEos: true }).text()
    const [first, again, other] = [await say(1), await say(1), await say(2)]
    expect(again).toBe(first)
    expect(other).not.toBe(first)
  })

  test('without a seed draws one and reports it, and that one repeats the reply', async () => {
    const engine = await open({ model: randomModel() })
    const reply = engine.chat(ask, { maxTokens: 60, ignoreEos: true })
    const { seed } = await reply.done
    const again = engine.chat(ask, { maxTokens: 60, ignoreEos: true, seed })
    expect(await again.text()).toBe(await reply.text())
  })

  test('ends at the exact limit with length', async () => {
    const engine = await open({ model: randomModel() })
    const { finishReason, usage } = await engine.chat(ask, { maxTokens: 7, ignoreEos: true }).done
    expect(finishReason).toBe('length')
    expect(usage.completionTokens).toBe(7)
  })

  test('ends with length when the context is full', async () => {
    const engine = await open({ model: randomModel(), context: 256 })
    const { finishReason, usage } = await engine.chat(ask, { ignoreEos: true }).done
    expect(finishReason).toBe('length')
    expect(usage.promptTokens + usage.completionTokens).toBe(256)
  })

  test('ends before a stop string that spans tokens, which never leaks', async () => {
    const engine = await open({ model: scriptModel({ reply: story, repeat: true }) })
    const stop = 'said “ÿ” to'
    const reply = engine.chat(ask, { stop, maxTokens: 400 })
    expect(await reply.text()).toBe(story.slice(0, story.indexOf(stop)))
    expect(await reply.done).toMatchObject({ finishReason: 'stop', stopString: stop })
  })

  test('counts the tokens of its prompt as the tokenizer does', async () => {
    const engine = await open({ model: randomModel() })
    const prompt = 'Once upon a time there was a fox.'
    const { usage } = await engine.complete(prompt, { maxTokens: 1 }).done
    const tokens = await engine.tokenize(prompt, { addSpecial: true, parseSpecial: true })
    expect(usage.promptTokens).toBe(tokens.length)
    expect(await engine.detokenize(await engine.tokenize(prompt))).toBe(prompt)
  })

  test('at temperature 0 is the same whatever the seed', async () => {
    const engine = await open({ model: randomModel() })
    const say = (seed: number) =>
      engine.chat(ask, { seed, temperature: 0, maxTokens: 40, ignoreEos: true }).text()
    expect(await say(2)).toBe(await say(1))
  })

  test('at a temperature next to 0 is that of temperature 0', async () => {
    const engine = await open({ model: randomModel() })
    const say = (temperature: number) =>
      engine.chat(ask, { temperature, maxTokens: 40, ignoreEos: true }).text()
    expect(await say(1e-40)).toBe(await say(0))
  })

  test('finds its counts in the stats from the first moment', async () => {
    const engine = await open({ model: randomModel(), parallel: 3, context: 512 })
    expect(engine.stats()).toMatchObject({ cellsTotal: 3 * 512, steps: 0, running: 0 })
  })

  test('reports each count that is declared, as a number', async () => {
    const engine = await open({ model: randomModel(), cacheMiB: 1 })
    const { usage, timings } = await engine.chat(ask, { maxTokens: 3, cacheSalt: 'x' }).done
    const ofEngine = Object.keys(new FakeEngine(fakeOptions, () => undefined).snapshot())
    expect(Object.keys(engine.stats()).sort()).toEqual([...ofEngine, ...ofClient].sort())
    const { busy, isRestarting, slots, adaptersRunning, adaptersWaiting, ...stats } = engine.stats()
    expect([typeof busy, isRestarting]).toEqual(['boolean', false])
    expect([adaptersRunning, adaptersWaiting]).toEqual([[], []])
    expect(slots).toHaveLength(engine.settings.parallel)
    for (const counts of [stats, usage, timings]) {
      expect(Object.values(counts).every(Number.isFinite)).toBe(true)
    }
    expect(usage.cachedTokens).toBe(0)
    expect(timings.parkedMs).toBe(0)
  })

  test('obeys a logit bias', async () => {
    const engine = await open({ model: randomModel() })
    const [token = -1] = await engine.tokenize('fox')
    const word = await engine.detokenize([token])
    const reply = engine.chat(ask, { logitBias: { [token]: 100 }, maxTokens: 5 })
    expect(await reply.text()).toBe(word.repeat(5))
  })

  test('with a frequency penalty repeats itself less', async () => {
    const engine = await open({ model: randomModel() })
    const distinct = async (frequencyPenalty: number) => {
      const options = { frequencyPenalty, repeatLastN: -1, temperature: 0, ignoreEos: true }
      const text = await engine.chat(ask, { ...options, maxTokens: 200 }).text()
      return new Set(await engine.tokenize(text)).size
    }
    expect(await distinct(2)).toBeGreaterThan(await distinct(0))
  })
})
