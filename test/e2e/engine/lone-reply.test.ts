import path from 'node:path'
import { expect, test } from 'vitest'
import { load } from '../../../src/index.js'
import { eventually } from '../../support/eventually.js'
import { canHold, holdableInEach, holdNextCall } from '../../support/held-engine.js'
import { randomModel } from '../../support/models/random-model.js'

const storyteller = path.resolve(import.meta.dirname, '../../../models/storyteller.gguf')

holdableInEach()

// Work for which the texts of several replies would wait longer than a step takes here.
const workMs = 0.5

test.runIf(canHold)('a lone reply comes token by token, whatever work each one is', async () => {
  const engine = await load({ model: storyteller, parallel: 4 })
  const held = holdNextCall()
  const reply = engine.complete('Once upon a time', { maxTokens: 102, ignoreEos: true })
  const parts = reply[Symbol.asyncIterator]()
  await held.begun
  for (let tokens = 1; tokens <= 100; tokens++) {
    const next = holdNextCall()
    // In no time does the engine get further than into the call behind this token's.
    const { value } = await parts.next()
    expect(value?.text).not.toBe('')
    await next.begun
    expect(engine.stats().steps).toBe(tokens + 1)
    const start = performance.now()
    while (performance.now() - start < workMs);
  }
  await reply.cancel()
  held.release()
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
