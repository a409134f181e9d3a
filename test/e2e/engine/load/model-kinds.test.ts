import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Engine, load } from '../../../../src/index.js'
import { contextsOf, medianGap, shareAbove } from '../../../support/models/logit-gap.js'
import {
  HEADED_KINDS,
  kindModel,
  MODEL_KINDS,
  SLIDING_WINDOW,
} from '../../../support/models/model-kinds.js'
import { randomWords } from '../../../support/random-words.js'

// What test/e2e/engine/exact.test.ts takes for granted of its models: a wrong cell changes the
// reply, and the rounding of a sum does not.

const words = randomWords(300, 1)
const prompt = words.join(' ')
const greedy = { temperature: 0, maxTokens: 200, ignoreEos: true }

describe.each([...MODEL_KINDS, ...HEADED_KINDS])('the random %s model', (kind) => {
  let engine: Engine
  let reply: string
  beforeAll(async () => {
    const model = kindModel(kind)
    engine = await load({ model, parallel: 1, context: 1024, kvType: 'q8_0', threads: 1 })
    reply = await engine.complete(prompt, greedy).text()
  })
  afterAll(() => engine.close())

  test('reads a prompt of hundreds of tokens, and answers', async () => {
    const { usage, finishReason } = await engine.complete(prompt, greedy).done
    expect(finishReason).toBe('length')
    expect(usage.promptTokens).toBeGreaterThan(8 * SLIDING_WINDOW)
    expect(usage.completionTokens).toBe(200)
  })

  test('writes many different tokens, not a few again and again', () => {
    expect(new Set(reply).size).toBeGreaterThanOrEqual(30)
  })

  test('writes a character a token, also when it is read again', async () => {
    expect(reply).toHaveLength(200)
    const both = await engine.tokenize(`${prompt}${reply} and then`)
    const apart = [...(await engine.tokenize(prompt)), ...(await engine.tokenize(reply))]
    expect([...both].slice(0, apart.length)).toEqual(apart)
  })

  test('has a median gap of over 0.5 between its two likeliest tokens', async () => {
    const contexts = await contextsOf(engine, prompt, 60)
    expect(await shareAbove(engine, contexts, 0.5)).toBeGreaterThan(0.5)
  })

  test.each([1, 20, 150])('answers otherwise when word %i of its prompt is another', async (at) => {
    const changed = words.with(at, words[at] === 'sea' ? 'fox' : 'sea').join(' ')
    expect(await engine.complete(changed, greedy).text()).not.toBe(reply)
  })
})

test('the gap between the likeliest tokens grows as the output weights do', async () => {
  const gapOf = async (logitDeviation: number) => {
    const model = kindModel('plain', { logitDeviation })
    const engine = await load({ model, parallel: 1, context: 1024, threads: 1 })
    const contexts = await contextsOf(engine, 'the fox went home', 40)
    const gap = await medianGap(engine, contexts)
    await engine.close()
    return gap
  }
  const [narrow, wide] = [await gapOf(2), await gapOf(8)]
  expect(narrow).toBeLessThan(0.8)
  expect(wide).toBeGreaterThan(narrow * 2.5)
})
