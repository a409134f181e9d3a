import { describe, expect, test } from 'vitest'
import { type Engine, load, type RequestOptions } from '../../../src/index.js'
import { canHold, holdableInEach, holdNextCall } from '../../support/held-engine.js'
import { randomModel } from '../../support/models/random-model.js'

const asking = (about: string) => [{ role: 'user' as const, content: `A story about ${about}` }]
const subjects = ['a fox', 'an owl', 'Mia', 'rain', 'the sea', 'a baker', 'snow', 'two ants']

const sendAll = (engine: Engine, options: RequestOptions) =>
  subjects.map((subject) => engine.chat(asking(subject), options))

function readAll(engine: Engine, options: RequestOptions): Promise<string[]> {
  return Promise.all(sendAll(engine, options).map((reply) => reply.text()))
}

describe.runIf(canHold)('sequences that come while a batch is computed', () => {
  holdableInEach()

  test('move together: eight streams have at least six rows a step', async () => {
    // No reader is waited for.
    const engine = await load({ model: randomModel(), parallel: 8, window: 256 })
    const held = holdNextCall()
    const replies = sendAll(engine, { maxTokens: 200, ignoreEos: true })
    await Promise.all(replies.map(({ accepted }) => accepted))
    held.release()
    await Promise.all(replies.map(({ done }) => done))
    const { rowsDecoded, rowsPrefilled, decodeSteps, tokensGenerated } = engine.stats()
    expect(tokensGenerated).toBe(8 * 200)
    expect((rowsDecoded - rowsPrefilled) / decodeSteps).toBeGreaterThanOrEqual(6)
    await engine.close()
  })

  test('do not wait for a long prompt in front of a short one', async () => {
    const engine = await load({ model: randomModel(), parallel: 2, context: 8192 })
    const order: string[] = []
    const held = holdNextCall()
    const long = engine.complete('word '.repeat(2500), { maxTokens: 1, ignoreEos: true })
    await held.begun
    const short = engine.complete('a short one', { maxTokens: 1, ignoreEos: true })
    await short.accepted
    held.release()
    await Promise.all([
      long.done.then(() => order.push('long')),
      short.done.then(() => order.push('short')),
    ])
    expect(order).toEqual(['short', 'long'])
    await engine.close()
  })
})

describe('many sequences in one batch', () => {
  test('each reply says among others what it says alone', async () => {
    const model = randomModel({ logitDeviation: 8 })
    const options = { temperature: 0, maxTokens: 100, ignoreEos: true }
    const alone = await load({ model, parallel: 1, kvType: 'q8_0' })
    const expected: string[] = []
    for (const subject of subjects) {
      expected.push(await alone.chat(asking(subject), options).text())
    }
    const together = await load({ model, parallel: 8, kvType: 'q8_0' })
    expect(await readAll(together, options)).toEqual(expected)
    await Promise.all([alone.close(), together.close()])
  })

  test('more requests than slots are all answered, each once', async () => {
    const engine = await load({ model: randomModel(), parallel: 3 })
    const texts = await readAll(engine, { maxTokens: 20, ignoreEos: true, temperature: 0 })
    expect(texts.filter((text) => text !== '')).toHaveLength(subjects.length)
    expect(engine.stats()).toMatchObject({ started: 8, finished: 8, queued: 0, running: 0 })
    await engine.close()
  })

  test('two engines on one file share its weights, and one can end before the other', async () => {
    const model = randomModel({ layers: 8, embedding: 256, weights: 'f16', seed: 5 })
    const first = await load({ model })
    const second = await load({ model })
    await first.close()
    const text = await second.chat(asking('a fox'), { maxTokens: 5, ignoreEos: true }).text()
    expect(text).not.toBe('')
    await second.close()
  })
})
