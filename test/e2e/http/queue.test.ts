import { describe, expect, test } from 'vitest'
import { eventually } from '../../support/eventually.js'
import { randomModel } from '../../support/models/random-model.js'
import { post } from '../../support/raw-client.js'
import { chatPath, closeAfterEach, story } from '../../support/serve.js'
import { serveReal } from '../../support/serve-real.js'
import { wireCheck } from '../../support/wire/checks.mjs'

closeAfterEach()

describe(wireCheck(40), () => {
  test('requests that wait for a slot get one in the order in which they came', async () => {
    const { client, engine, log } = await serveReal({
      model: randomModel({ context: 2 ** 16 }),
      // So that the first is under way until all wait, and never waits for its reader: one that is
      // parked for a while gives up its slot.
      ...{ context: 2 ** 16, window: 2 ** 16 },
      parallel: 1,
      queue: 20,
    })
    const first = await client()
    first.send(post(chatPath, story({ ignore_eos: true, max_tokens: 100_000 })))
    await eventually(() => engine.stats().tokensGenerated > 0)
    for (let i = 0; i < 20; i++) {
      const raw = await client()
      // The later, the shorter: whoever looked at lengths would turn them round.
      const body = story({ ignore_eos: true, max_tokens: 41 - 2 * i })
      raw.send(post(chatPath, body, { 'x-request-id': `waits-${i}` }))
      await raw.seen('"role"')
    }
    expect(engine.stats().queued).toBe(20)
    first.reset()
    await eventually(() => log.length === 21)
    const served = log
      .slice(1)
      .map(({ requestId, completionTokens }) => [requestId, completionTokens])
    expect(served).toEqual(Array.from({ length: 20 }, (_, i) => [`waits-${i}`, 41 - 2 * i]))
  })
})
