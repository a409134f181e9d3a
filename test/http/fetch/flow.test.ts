import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { chatRequest, fakeHandler, piecesOf } from '../../support/adapters/handlers.js'
import { eventually, settle } from '../../support/eventually.js'
import type { FakeEngine } from '../../support/fake-binding.js'
import { closeAfterEach, counting, stepUntil, story } from '../../support/serve.js'
import { chunksOf, eventsOf, textOf } from '../../support/sse.js'
import { wireCheck } from '../../support/wire/checks.mjs'
import { shortStreams } from '../../support/wire/short-streams.js'

// Who reads a Response sets the pace of its reply, and who leaves ends it.

closeAfterEach()

// The deadlines' intervals pass when a test says so; everything else is real.
beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
})
afterEach(() => {
  vi.useRealTimers()
})

const window = 4
const endless = () => ({ tokens: counting() })
const manual = { pace: 'manual', script: endless, engine: { window } } as const

/** Steps until a promise is settled. */
async function stepped<T>(native: FakeEngine, promise: Promise<T>): Promise<T> {
  let isSettled = false
  const settled = () => {
    isSettled = true
  }
  promise.then(settled, settled)
  await stepUntil(native, () => isSettled)
  return promise
}

describe(wireCheck(69), () => {
  test('a stream that nobody reads is a window ahead and no more, and waits', async () => {
    const { handler, native } = await fakeHandler({}, manual)
    const response = await stepped(native, handler(chatRequest(story())))
    expect(response.status).toBe(200)
    await stepUntil(native, () => native.stats().parked === 1)
    native.step(100)
    await settle()
    expect(native.stats()).toMatchObject({ tokensGenerated: window, parked: 1 })
    await response.body?.cancel()
  })

  test('each read takes one frame, and lets the reply go on by what it took', async () => {
    const { handler, native } = await fakeHandler({}, manual)
    const pieces = piecesOf(await stepped(native, handler(chatRequest(story()))))
    expect(await pieces.next()).toContain('"role":"assistant"') // there before the first token
    let taken = 0
    for (let read = 0; read < 20; read++) {
      await stepped(native, pieces.next())
      taken = textOf(pieces.text).split(' ').length - 1
      native.step(100)
      await settle()
      expect(native.stats().tokensGenerated).toBeLessThanOrEqual(taken + window)
    }
    expect(taken).toBeGreaterThan(20)
    expect(textOf(pieces.text)).toMatch(/^0 1 2 3 4 5 6 /)
    await pieces.reader.cancel()
  })
})

describe('backpressure', () => {
  test('a reader that pauses gets all of it once it reads on', async () => {
    const { handler, native } = await fakeHandler({}, manual)
    const body = story({ max_tokens: 50 })
    const response = await stepped(native, handler(chatRequest(body)))
    await stepUntil(native, () => native.stats().parked === 1)
    const text = await stepped(native, response.text())
    expect(textOf(text)).toBe([...Array(50).keys()].map((i) => `${i} `).join(''))
    expect(text.endsWith('data: [DONE]\n\n')).toBe(true)
  })

  test('a reader that takes nothing for the deadline is left, and its slot free', async () => {
    const { handler, native, log } = await fakeHandler({}, manual)
    const response = await stepped(native, handler(chatRequest(story())))
    await stepUntil(native, () => native.stats().parked === 1)
    vi.advanceTimersByTime(44_000)
    expect(native.cancelled).toEqual([])
    vi.advanceTimersByTime(31_000)
    expect(native.cancelled).toHaveLength(1)
    native.step()
    expect(native.stats()).toMatchObject({ parked: 0, running: 0, cancelled: 1 })
    await expect(response.text()).rejects.toThrow('nothing was read for 60000 ms')
    await eventually(() => log.length === 1)
    expect(log[0]).toMatchObject({ outcome: 'gone', status: 200, completionTokens: window })
  })

  test('a reader that waits for an engine that stands still is told', async () => {
    const { handler, native } = await fakeHandler({}, manual)
    const pieces = piecesOf(await stepped(native, handler(chatRequest(story()))))
    await pieces.next()
    await stepped(native, pieces.next())
    native.isFrozen = true
    while (native.stats().parked === 1) await pieces.next()
    const waiting = pieces.next()
    await settle()
    vi.advanceTimersByTime(44_000)
    await waiting
    expect(chunksOf(pieces.text).at(-1)?.error).toMatchObject({ code: 'engine_stalled' })
    expect(await pieces.next()).toBe('')
  })

  test('pings are for a reader that waits; one that does not has one of them to read', async () => {
    vi.useRealTimers()
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    const { handler, native } = await fakeHandler({}, manual)
    const answered = handler(chatRequest(story()))
    while (native.stats().parked === 0) {
      native.step()
      await settle(1)
    }
    const pieces = piecesOf(await answered)
    vi.advanceTimersByTime(100_000)
    expect(await pieces.next()).toContain('"role"')
    expect(textOf(await pieces.next())).toBe('0 1 2 3 ')
    const waiting = pieces.next()
    await settle()
    vi.advanceTimersByTime(15_000)
    expect(await waiting).toBe(': ping\n\n')
    vi.advanceTimersByTime(100_000)
    expect(await pieces.next()).toBe(': ping\n\n')
    for (let step = 0; step < 10; step++) {
      native.step()
      await settle(1)
    }
    expect(textOf(await pieces.next())).toMatch(/^4 /)
    await pieces.reader.cancel()
  })
})

/** Where a request is when its client leaves. */
const stages = {
  'while it is prepared': { prefillSteps: 0, isThere: () => true },
  'in mid-prefill': {
    prefillSteps: 1e6,
    isThere: (native: FakeEngine) => native.snapshot().rowsPrefilled >= 3,
  },
  'in mid-decode': {
    prefillSteps: 0,
    isThere: (native: FakeEngine) => native.snapshot().tokensGenerated >= 3,
  },
}

const cases = (Object.keys(stages) as (keyof typeof stages)[]).flatMap((stage) =>
  [true, false].map((stream) => ({ stage, stream })),
)

describe(wireCheck(70), () => {
  test('cancel() of the stream ends the reply, whether a read waits or not', async () => {
    for (const isReading of [false, true]) {
      const { handler, native, log } = await fakeHandler({}, { pace: 'manual', script: endless })
      const { body } = await stepped(native, handler(chatRequest(story())))
      const reader = body?.getReader()
      await reader?.read()
      const read = isReading ? reader?.read() : undefined
      await reader?.cancel()
      expect((await read)?.done ?? true).toBe(true)
      expect(native.cancelled).toHaveLength(1)
      native.step()
      expect(native.stats()).toMatchObject({ running: 0, parked: 0, cancelled: 1 })
      await eventually(() => log.length === 1)
      expect(log[0]).toMatchObject({ outcome: 'gone', status: 200 })
    }
  })
})

describe(wireCheck(71), () => {
  test.each(cases)(
    "the request's signal $stage ends it at the next step, stream: $stream",
    async ({ stage, stream }) => {
      const { prefillSteps, isThere } = stages[stage]
      const script = () => ({ tokens: counting(), prefillSteps })
      const { handler, native, log } = await fakeHandler({}, { pace: 'manual', script })
      const client = new AbortController()
      const answered = handler(chatRequest(story({ stream }), { signal: client.signal }))
      await eventually(() => native.submitted.length === 1)
      while (!isThere(native)) {
        native.step()
        await settle(2)
      }
      const { tokensGenerated, steps } = native.stats()
      client.abort()
      expect(native.cancelled).toHaveLength(1)
      expect(native.stats()).toMatchObject({ tokensGenerated, steps })
      native.step()
      expect(native.stats()).toMatchObject({
        ...{ queued: 0, running: 0, parked: 0, cellsUsed: 0, cancelled: 1, tokensGenerated },
      })
      const response = await answered
      if (response.status === 200) {
        await expect(response.text()).rejects.toMatchObject({ name: 'AbortError' })
      } else expect(response.status).toBe(499)
      await eventually(() => log.length === 1)
      expect(log[0]).toMatchObject({ outcome: 'gone', status: response.status === 200 ? 200 : 0 })
    },
  )

  test('a signal that was aborted before starts nothing', async () => {
    const { handler, native, log } = await fakeHandler()
    const response = await handler(chatRequest(story(), { signal: AbortSignal.abort() }))
    expect([response.status, response.body]).toEqual([499, null])
    expect(native.submitted).toEqual([])
    expect(log).toMatchObject([{ outcome: 'gone', status: 0 }])
  })

  test('a signal that was aborted before takes no place of its key', async () => {
    const { handler } = await fakeHandler({ apiKeys: [{ key: 'one', requests: 1 }] })
    const headers = { authorization: 'Bearer one' }
    await handler(chatRequest(story(), { headers, signal: AbortSignal.abort() }))
    const response = await handler(chatRequest(story({ stream: false }), { headers }))
    expect(response.status).toBe(200)
  })

  test('a signal while the body is on its way starts nothing', async () => {
    const { handler, native, log } = await fakeHandler()
    const client = new AbortController()
    const answered = handler(chatRequest(new ReadableStream(), { signal: client.signal }))
    await settle()
    client.abort()
    expect((await answered).status).toBe(499)
    expect(native.submitted).toEqual([])
    expect(log).toMatchObject([{ outcome: 'gone', status: 0 }])
  })
})

describe('cancellation', () => {
  test('a signal after the end, as some servers give it, changes nothing', async () => {
    const { handler, native, log } = await fakeHandler()
    const client = new AbortController()
    for (const stream of [true, false]) {
      const request = chatRequest(story({ stream }), { signal: client.signal })
      expect((await (await handler(request)).text()).length).toBeGreaterThan(0)
    }
    client.abort()
    await settle()
    expect(log.map(({ outcome }) => outcome)).toEqual(['done', 'done'])
    expect(native.cancelled).toEqual([])
  })

  test('the prompts and choices of one request all end with it', async () => {
    const engine = { parallel: 4, window }
    const { handler, native } = await fakeHandler({}, { script: endless, engine })
    const response = await handler(chatRequest(story({ n: 3 })))
    await response.body?.cancel()
    await eventually(() => native.stats().cancelled === 3)
    expect(native.stats()).toMatchObject({ queued: 0, running: 0, parked: 0 })
  })
})

describe('a drain', () => {
  test('waits for who reads, and at its deadline tells who does not', async () => {
    const { handler, native, log } = await fakeHandler({}, { script: endless, engine: { window } })
    const read = await handler(chatRequest(story({ max_tokens: 20 })))
    const unread = await handler(chatRequest(story()))
    const drained = handler.drain({ deadlineMs: 60_000 })
    expect(textOf(await read.text())).toMatch(/ 19 $/)
    await handler.drain({ deadlineMs: 1 })
    await drained
    expect(native.cancelled).toHaveLength(1)
    expect(log.map(({ outcome }) => outcome)).toEqual(['done', 'failed'])
    const text = await unread.text()
    expect(chunksOf(text).at(-1)?.error).toMatchObject({ code: 'shutting_down' })
    expect(text).not.toContain('[DONE]')
  })

  test.each(shortStreams)(
    'before the first read of %s comes behind the opening',
    async (path, body, events) => {
      const { handler } = await fakeHandler({}, { script: endless, engine: { window } })
      const request = new Request(`http://localhost${path}`, chatRequest(body))
      const unread = await handler(request)
      await handler.drain({ deadlineMs: 1 })
      expect(eventsOf(await unread.text())).toEqual(events)
    },
  )
})
