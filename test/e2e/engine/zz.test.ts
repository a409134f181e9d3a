import { test } from 'vitest'
import { load, type LoadOptions } from '../../../src/index.js'
import { randomModel } from '../../support/random-model.js'

const model = randomModel({ logitDeviation: 8, weights: 'q8_0' })
async function say(options: Partial<LoadOptions>, ask = {}) {
  const engine = await load({ model, parallel: 2, kvType: 'q8_0', context: 2048, ...options })
  const reply = engine.complete('Tell me a story about something', { temperature: 0, maxTokens: 400, ignoreEos: true, ...ask })
  const text = await reply.text()
  const { timings } = await reply.done
  const stats = engine.stats()
  await engine.close()
  return { text, timings, stats }
}
test('x', async () => {
  for (const ask of [{}, { temperature: 1.2, seed: 5 }]) {
    const plain = await say({}, ask)
    for (const [name, options] of Object.entries({
      self: { draft: model },
      other: { draft: randomModel({ logitDeviation: 8, weights: 'q8_0', seed: 2 }) },
      lookup: { lookup: true },
    })) {
      const got = await say(options, ask)
      console.log(name, ask, got.text === plain.text, got.stats.decodeSteps, plain.stats.decodeSteps, got.timings, plain.timings.decodeMs)
    }
  }
})
