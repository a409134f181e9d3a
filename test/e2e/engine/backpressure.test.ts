import { describe, expect, test } from 'vitest'
import { load } from '../../../src/index.js'
import { eventually } from '../../support/eventually.js'
import { randomModel } from '../../support/models/random-model.js'

const ask = [{ role: 'user' as const, content: 'Tell me a story' }]
const window = 16
const long = { ignoreEos: true, maxTokens: 3000, temperature: 0 }

describe('backpressure', () => {
  test('a reply without a reader is parked within its window', async () => {
    const engine = await load({ model: randomModel(), window })
    const reply = engine.chat(ask, long)
    await eventually(() => engine.stats().parked === 1)
    const { tokensGenerated, steps } = engine.stats()
    // Tokens whose text is not whole yet are not ahead of anybody.
    expect(tokensGenerated).toBeLessThanOrEqual(window + 4)
    await new Promise((resolve) => setTimeout(resolve, 50))
    expect(engine.stats()).toMatchObject({ tokensGenerated, steps, running: 0 })
    reply.cancel()
    await reply.done
    await engine.close()
  })

  test('a stalled reader does not slow its neighbours: every step is theirs', async () => {
    const engine = await load({ model: randomModel(), window, parallel: 4 })
    const stalled = engine.chat(ask, long)
    await eventually(() => engine.stats().parked === 1)
    const before = engine.stats()
    await engine.chat(ask, { ...long, maxTokens: 500 }).text()
    const after = engine.stats()
    expect(after.tokensGenerated - before.tokensGenerated).toBe(500)
    expect(after.decodeSteps - before.decodeSteps).toBeLessThanOrEqual(500)
    stalled.cancel()
    await engine.close()
  })

  test('a reader that comes back gets every character', async () => {
    const engine = await load({ model: randomModel(), window, kvType: 'q8_0' })
    const expected = await engine.chat(ask, long).text()
    const reply = engine.chat(ask, long)
    let text = ''
    let tokens = 0
    for await (const part of reply) {
      text += part.text
      tokens += part.tokens
      if (tokens % 7 === 0) await new Promise((resolve) => setTimeout(resolve, 1))
    }
    expect(text).toBe(expected)
    expect(tokens).toBeLessThanOrEqual((await reply.done).usage.completionTokens)
    await engine.close()
  })

  test('text() and done drain a reply that is not iterated', async () => {
    const engine = await load({ model: randomModel(), window })
    const reply = engine.chat(ask, long)
    expect((await reply.done).usage.completionTokens).toBe(3000)
    expect((await reply.text()).length).toBeGreaterThan(1000)
    await engine.close()
  })

  test('a web stream pulls: unread it is parked, read it ends', async () => {
    const engine = await load({ model: randomModel(), window })
    const stream = engine.chat(ask, { ...long, maxTokens: 300 }).toWeb()
    await eventually(() => engine.stats().parked === 1)
    let text = ''
    for await (const part of stream) text += part.text
    expect(text.length).toBeGreaterThan(100)
    const abandoned = engine.chat(ask, long).toWeb()
    await abandoned.cancel()
    await eventually(() => engine.stats().running + engine.stats().parked === 0)
    await engine.close()
  })
})
