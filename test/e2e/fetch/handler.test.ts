import { describe, expect, test } from 'vitest'
import type { EngineStats, LoadOptions } from '../../../src/api/types.js'
import { load } from '../../../src/engine/load.js'
import { type AccessEntry, fetchHandler } from '../../../src/http/index.js'
import { chatRequest, piecesOf } from '../../support/adapters/handlers.js'
import { eventually, settle } from '../../support/eventually.js'
import { largeRandomModel } from '../../support/models/random-model.js'
import { scriptModel } from '../../support/models/script-model.js'
import { alsoClose, closeAfterEach, story } from '../../support/serve.js'

// The real engine behind a fetch handler, without a socket: what stats() shows of who reads slowly,
// and of who leaves.

closeAfterEach()

const endless = { ignore_eos: true, max_tokens: 100_000 }
const window = 64

async function handle(options: LoadOptions) {
  const engine = await load(options)
  const log: AccessEntry[] = []
  const handler = fetchHandler({ engine, onLog: (entry) => log.push(entry) })
  alsoClose(async () => {
    await handler.close()
    await engine.close()
  })
  const quiet = () => {
    return eventually(() => {
      const { queued, running, parked } = engine.stats()
      return queued + running + parked === 0
    }, 'the engine did not come to rest')
  }
  return { engine, handler, log, quiet }
}

test('a stream that is not read, or read slowly, is parked within its window', async () => {
  const model = scriptModel({ reply: 'all of it is ASCII, and leaves at once. ', repeat: true })
  const { engine, handler, quiet } = await handle({ model, window })
  const pieces = piecesOf(await handler(chatRequest(story({ ...endless, logprobs: true }))))
  let taken = 0
  for (let read = 0; read < 10; read++) {
    // More than half of it: credit is given back by halves.
    await eventually(() => {
      const { parked, tokensGenerated } = engine.stats()
      return parked === 1 && tokensGenerated > taken + window / 2
    }, 'it was not parked')
    const { tokensGenerated, steps } = engine.stats()
    expect(tokensGenerated - taken).toBeLessThanOrEqual(window)
    await settle(50)
    expect(engine.stats()).toMatchObject({ tokensGenerated, steps }) // it computes nothing
    // As many as it takes to give credit back.
    for (const until = taken + window / 2; taken < until; ) {
      taken += (await pieces.next()).split('"token":').length - 1
    }
  }
  expect(taken).toBeGreaterThanOrEqual((10 * window) / 2)
  await pieces.reader.cancel()
  await quiet()
})

/** Where a reply is when its client leaves. */
const longPrompt = { messages: [{ role: 'user', content: 'a story of many words '.repeat(500) }] }
const stages = {
  'mid-decode': { body: endless, isThere: (now: EngineStats) => now.tokensGenerated > 20 },
  'mid-prefill': {
    body: { ...endless, ...longPrompt },
    isThere: (now: EngineStats) => now.rowsPrefilled > 0 && now.tokensGenerated === 0,
  },
}

/** How it does: of the last, before there are any headers. */
const ways = {
  'cancel() of the stream': true,
  'the signal of a streamed request': true,
  'the signal of one that is not streamed': false,
}

const cases = (Object.keys(stages) as (keyof typeof stages)[]).flatMap((stage) =>
  (Object.keys(ways) as (keyof typeof ways)[]).map((way) => ({ stage, way })),
)

describe('leaving', () => {
  test.each(cases)('by $way in $stage costs at most one more step', async ({ stage, way }) => {
    const { engine, handler, log, quiet } = await handle({ model: largeRandomModel(), parallel: 1 })
    const { body, isThere } = stages[stage]
    const client = new AbortController()
    const request = chatRequest(story({ ...body, stream: ways[way] }), { signal: client.signal })
    const answered = handler(request)
    const response = ways[way] ? await answered : undefined
    await eventually(() => isThere(engine.stats()))
    const cancelled = way === 'cancel() of the stream' ? response?.body?.cancel() : client.abort()
    const { steps } = engine.stats() // behind it: who reads them may be put aside for some
    await cancelled
    await quiet()
    expect(engine.stats().steps - steps).toBeLessThanOrEqual(1)
    expect(engine.stats()).toMatchObject({ cancelled: 1, finished: 0, failed: 0 })
    if (response === undefined) expect((await answered).status).toBe(499)
    await eventually(() => log.length === 1)
    const { promptTokens, tokensGenerated } = engine.stats()
    expect(log[0]).toMatchObject({
      outcome: 'gone',
      status: response === undefined ? 0 : 200,
      promptTokens,
      completionTokens: tokensGenerated,
    })
    const next = await handler(chatRequest(story({ max_tokens: 1 })))
    expect(await next.text()).toContain('[DONE]')
  })
})
