import { expect, test } from 'vitest'
import { load } from '../../../src/index.js'
import { eventually } from '../../support/eventually.js'
import { randomModel } from '../../support/models/random-model.js'

test('a lone reply comes token by token, however fast the model is', async () => {
  const engine = await load({ model: randomModel(), parallel: 4 })
  const tokensMax = 200
  // A busy machine may keep JavaScript from coming in time, but not at each try.
  let most = 0
  for (let attempt = 0; attempt < 20 && most < tokensMax / 2; attempt++) {
    const reply = engine.complete('Once upon a time', { maxTokens: tokensMax, ignoreEos: true })
    let parts = 0
    for await (const { text } of reply) if (text !== '') parts++
    most = Math.max(most, parts)
  }
  expect(most).toBeGreaterThanOrEqual(tokensMax / 2)
  await engine.close()
})

test("the time of the engine's thread is told by what it did", async () => {
  const start = performance.now()
  const engine = await load({ model: randomModel(), parallel: 4 })
  await engine.complete('Once upon a time', { maxTokens: 200, ignoreEos: true }).text()
  const first = engine.stats()
  // While the engine is idle too.
  await eventually(() => engine.stats().idleMs - first.idleMs >= 100)
  await engine.complete('Twice', { maxTokens: 4, ignoreEos: true }).text()
  const { planMs, computeMs, sampleMs, textMs, wakeMs, idleMs } = engine.stats()
  expect(idleMs - first.idleMs).toBeGreaterThanOrEqual(100)
  const work = [planMs, computeMs, sampleMs, textMs, wakeMs]
  for (const one of work) expect(one).toBeGreaterThan(0)
  const sum = work.reduce((all, one) => all + one, idleMs)
  expect(sum).toBeLessThanOrEqual(performance.now() - start)
  await engine.close()
})
