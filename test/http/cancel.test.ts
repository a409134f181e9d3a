import { once } from 'node:events'
import { describe, expect, test } from 'vitest'
import { eventually, settle } from '../support/eventually.js'
import type { FakeEngine, Script } from '../support/fake-binding.js'
import { post, type RawClient, request } from '../support/raw-client.js'
import {
  chatPath,
  closeAfterEach,
  counting,
  type Served,
  serve,
  stepUntil,
  story,
} from '../support/serve.js'
import { wireCheck } from '../support/wire/checks.mjs'

closeAfterEach()

const ways = { FIN: (raw: RawClient) => raw.fin(), RST: (raw: RawClient) => raw.reset() }
type Way = keyof typeof ways

/** Where a request is when its client leaves, and how the engine gets it there. */
const stages: Record<string, { script: Script; reach: (native: FakeEngine) => boolean }> = {
  preparing: {
    script: { tokens: counting() },
    reach: (native) => native.submitted.length === 1,
  },
  'in mid-prefill': {
    script: { tokens: counting(), prefillSteps: 1e6 },
    reach: (native) => native.snapshot().rowsPrefilled >= 3,
  },
  'in mid-decode': {
    script: { tokens: counting() },
    reach: (native) => native.snapshot().tokensGenerated >= 3,
  },
}

const cases = Object.keys(stages).flatMap((stage) =>
  (Object.keys(ways) as Way[]).flatMap((way) =>
    [true, false].map((stream) => ({ stage, way, stream })),
  ),
)

describe(wireCheck(26, 28, 29), () => {
  test.each(cases)(
    '$way $stage frees the slot at the next step, stream: $stream',
    async ({ stage, way, stream }) => {
      const { script, reach } = stages[stage] ?? expect.fail()
      const served = await serve({ pace: 'manual', script: () => script })
      const { native, log } = served
      const raw = await served.client()
      raw.send(post(chatPath, story({ stream })))
      await eventually(() => native.submitted.length === 1)
      while (!reach(native)) {
        native.step()
        await settle(2)
      }
      const { tokensGenerated, steps } = native.stats()
      ways[way](raw)
      await eventually(() => native.cancelled.length === 1)
      expect(native.stats()).toMatchObject({ tokensGenerated, steps })
      native.step()
      expect(native.stats()).toMatchObject({
        queued: 0,
        running: 0,
        parked: 0,
        cellsUsed: 0,
        cellsCached: 0,
        cancelled: 1,
        tokensGenerated,
      })
      await eventually(() => log.length === 1)
      expect(log[0]?.outcome).toBe('gone')
    },
  )
})

async function queuedBehind(served: Served): Promise<RawClient> {
  const first = await served.client()
  first.send(post(chatPath, story()))
  await stepUntil(served.native, () => first.text.includes('"0 "'))
  const second = await served.client()
  second.send(post(chatPath, story()))
  await stepUntil(served.native, () => second.text.includes('"role"'))
  return second
}

describe(wireCheck(27), () => {
  test.each(Object.keys(ways) as Way[])(
    'a queued request whose client left (%s) never runs',
    async (way) => {
      const script = () => ({ tokens: counting() })
      const served = await serve({ pace: 'manual', script, engine: { parallel: 1 } })
      const { native } = served
      ways[way](await queuedBehind(served))
      const id = native.submitted[1]?.id ?? 0
      await eventually(() => native.cancelled.includes(id))
      native.step(20)
      expect(native.produced.get(id)).toBeUndefined()
      expect(native.stats()).toMatchObject({ queued: 0, running: 1, cancelled: 1 })
    },
  )
})

describe(wireCheck(26), () => {
  test('a FIN behind unread bytes cancels a parked request too', async () => {
    const script = () => ({ tokens: big(2_000) })
    const { native, client } = await serve({ pace: 'manual', script, engine: { window: 4 } })
    const raw = await client({ reads: false })
    raw.send(post(chatPath, story()))
    await stepUntil(native, () => native.stats().parked === 1)
    raw.fin()
    await eventually(() => native.cancelled.length === 1)
    native.step()
    expect(native.stats()).toMatchObject({ parked: 0, cancelled: 1 })
  })
})

describe(wireCheck(31), () => {
  test('a client that closes at [DONE] was served to the end', async () => {
    for (const way of Object.values(ways)) {
      const { native, client, log } = await serve()
      const raw = await client()
      raw.socket.on('data', () => {
        if (raw.text.includes('[DONE]')) way(raw)
      })
      raw.send(post(chatPath, story()))
      await eventually(() => log.length === 1)
      expect(log[0]).toMatchObject({ outcome: 'done', status: 200, completionTokens: 4 })
      expect(native.cancelled).toEqual([])
      expect(native.stats()).toMatchObject({ finished: 1, cancelled: 0 })
    }
  })
})

test('a connection takes all its pipelined requests with it', async () => {
  const script = () => ({ tokens: counting() })
  const { native, client } = await serve({ pace: 'manual', script })
  const raw = await client()
  raw.send(post(chatPath, story()) + post(chatPath, story({ stream: false })))
  await stepUntil(native, () => native.stats().running === 2)
  raw.reset()
  await eventually(() => native.cancelled.length === 2)
  native.step()
  expect(native.stats()).toMatchObject({ running: 0, cancelled: 2 })
})

test('pipelined requests are answered in order', async () => {
  const { client } = await serve()
  const raw = await client()
  raw.send(post(chatPath, story()) + request('GET', '/health'))
  await raw.seen('"status":"ok"')
  expect(raw.text.indexOf('[DONE]')).toBeLessThan(raw.text.indexOf('"status":"ok"'))
  expect(raw.text.indexOf('[DONE]')).toBeGreaterThan(0)
})

test('a client that leaves while it sends its body starts nothing', async () => {
  for (const way of Object.values(ways)) {
    const { native, client, log, server } = await serve()
    const raw = await client()
    const begun = once(server.server, 'request')
    raw.send(post(chatPath, story()).slice(0, -10))
    await begun
    way(raw)
    await eventually(() => log.length === 1)
    expect(log[0]).toMatchObject({ outcome: 'gone', status: 0 })
    expect(native.submitted).toEqual([])
  }
})

function* big(count: number): Generator<string> {
  for (let i = 0; i < count; i++) yield String(i).padStart(100_000, '.')
}
