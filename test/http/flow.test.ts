import type { Socket } from 'node:net'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { eventually, settle } from '../support/eventually.js'
import { post, type RawClient } from '../support/raw-client.js'
import {
  chat,
  chatPath,
  closeAfterEach,
  counting,
  type Served,
  serve,
  standsStill,
  stepUntil,
  story,
} from '../support/serve.js'
import { chunksOf, textOf } from '../support/sse.js'
import { wireCheck } from '../support/wire/checks.mjs'

closeAfterEach()

// The deadlines' intervals pass when a test says so; everything else is real.
beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
})
afterEach(() => {
  vi.useRealTimers()
})

const window = 4
/** Large enough that a few fill every buffer of a loopback connection. */
const tokenBytes = 100_000
const tokenCount = 150

function* big(count = tokenCount): Generator<string> {
  for (let i = 0; i < count; i++) yield `${i} `.padStart(tokenBytes, '.')
}

const bigScript = () => ({ tokens: big() })

/** The server's ends of its connections, in order. */
function socketsOf({ server }: Served): Socket[] {
  const sockets: Socket[] = []
  server.server.on('connection', (socket) => sockets.push(socket))
  return sockets
}

/** A client that reads nothing, stepped until its reply waits for it. */
async function stuck(served: Served): Promise<RawClient> {
  const raw = await served.client({ reads: false })
  raw.send(post(chatPath, story()))
  let still = 0
  let produced = 0
  await stepUntil(served.native, () => {
    const now = served.native.stats().tokensGenerated
    still = served.native.stats().parked === 1 && now === produced ? still + 1 : 0
    produced = now
    return still > 20
  })
  return raw
}

describe(wireCheck(32), () => {
  test('a stalled reader holds its window and one write, however long the reply', async () => {
    const served = await serve({ pace: 'manual', script: bigScript, engine: { window } })
    const { native } = served
    const sockets = socketsOf(served)
    await stuck(served)
    await standsStill(native)
    expect(native.stats().tokensGenerated).toBeLessThan(tokenCount)
    const [socket] = sockets
    expect(socket?.writableLength).toBeGreaterThan(0)
    expect(socket?.writableLength).toBeLessThan((window + 1) * (tokenBytes + 500))
  })
})

describe(wireCheck(33), () => {
  test('another reader gets a token with every step while one is stalled', async () => {
    const script = () => ({ tokens: native.submitted.length === 0 ? big() : counting() })
    const served = await serve({ pace: 'manual', script, engine: { window, parallel: 2 } })
    const { native } = served
    await stuck(served)
    const other = await served.client()
    other.send(post(chatPath, story()))
    await stepUntil(native, () => other.text.includes('"0 "'))
    const id = native.submitted[1]?.id ?? 0
    await settle()
    for (let i = 1; i <= 20; i++) {
      const produced = native.produced.get(id) ?? 0
      native.step()
      expect(native.produced.get(id)).toBe(produced + 1)
      await eventually(() => textOf(other.body).endsWith(` ${produced} `))
    }
  })
})

describe(wireCheck(34), () => {
  test('a reader that takes nothing for the deadline is reset, and its slot free', async () => {
    const served = await serve({ pace: 'manual', script: bigScript, engine: { window } })
    const { native, log } = served
    const [sockets, raw] = [socketsOf(served), await stuck(served)]
    // In one turn: the kernel packs what waits, and may take some more later.
    vi.advanceTimersByTime(44_000)
    expect([sockets[0]?.destroyed, native.cancelled]).toEqual([false, []])
    vi.advanceTimersByTime(31_000)
    await eventually(() => native.cancelled.length === 1)
    native.step()
    expect(native.stats()).toMatchObject({ parked: 0, running: 0, cancelled: 1 })
    raw.read()
    await raw.closed()
    expect(raw.text).not.toContain('[DONE]')
    await eventually(() => log.length === 1)
    expect(log[0]?.outcome).toBe('gone')
  })

  test('the deadline also holds for the last bytes, when the reply is over', async () => {
    const tokens = Array.from({ length: 100 }, () => '.'.repeat(tokenBytes))
    const served = await serve({ script: () => ({ tokens }) })
    const { client, log, native } = served
    const sockets = socketsOf(served)
    const raw = await client({ reads: false })
    raw.send(post(chatPath, story({ stream: false })))
    await eventually(() => native.stats().finished === 1)
    await eventually(() => (sockets[0]?.writableLength ?? 0) > 0)
    expect(log).toEqual([])
    vi.advanceTimersByTime(75_000) // in one turn, within which the kernel takes nothing
    await eventually(() => log.length === 1)
    expect(log[0]?.outcome).toBe('gone')
    raw.read()
    await raw.closed()
  })

  test('a reader that takes a little now and then is not reset', async () => {
    const script = () => ({ tokens: big(Number.POSITIVE_INFINITY) })
    const served = await serve({ pace: 'manual', script, engine: { window } })
    const { native, log } = served
    const sockets = socketsOf(served)
    const raw = await stuck(served)
    raw.read()
    for (let round = 0; round < 5; round++) {
      const left = sockets[0]?.writableLength
      raw.socket.resume()
      await stepUntil(native, () => sockets[0]?.writableLength !== left)
      raw.socket.pause()
      await stepUntil(native, () => sockets[0]?.writableLength !== 0)
      for (let look = 0; look < 3; look++) {
        vi.advanceTimersByTime(15_000)
        await settle(2)
      }
    }
    expect(log).toEqual([])
    expect(native.cancelled).toEqual([])
  })

  test('a reply that has nothing to say keeps its reader, however long', async () => {
    const server = { pingMs: 1e9, engineStallMs: 1e9 }
    const { native, client, log } = await serve({ pace: 'manual', server })
    const raw = await client()
    raw.send(post(chatPath, story()))
    await stepUntil(native, () => raw.text.includes('"role"'))
    vi.advanceTimersByTime(600_000)
    await settle()
    expect(log).toEqual([])
    await stepUntil(native, () => raw.text.includes('[DONE]'))
  })
})

describe(wireCheck(35), () => {
  test('a reader that paused gets every byte once it reads on', async () => {
    const served = await serve({ pace: 'manual', script: bigScript, engine: { window } })
    const raw = await stuck(served)
    raw.read()
    await stepUntil(served.native, () => raw.text.endsWith('0\r\n\r\n'))
    expect(textOf(raw.body) === [...big()].join('')).toBe(true)
    expect(raw.body.endsWith('data: [DONE]\n\n')).toBe(true)
  })
})

describe(wireCheck(41), () => {
  test('a drain does not wait for a reader that is stalled', async () => {
    const served = await serve({ pace: 'manual', script: bigScript, engine: { window } })
    const { native, server, log } = served
    await stuck(served)
    await server.drain({ deadlineMs: 1 })
    expect(native.cancelled).toHaveLength(1)
    await eventually(() => log.length === 1)
    expect(log[0]).toMatchObject({ outcome: 'failed', code: 'shutting_down' })
  })
})

describe(wireCheck(38), () => {
  test('an engine that stands still ends a stream with an error frame', async () => {
    const { native, client, log } = await serve({
      pace: 'manual',
      script: () => ({ tokens: counting() }),
    })
    const raw = await client()
    raw.send(post(chatPath, story()))
    await stepUntil(native, () => raw.text.includes('"0 "'))
    native.isFrozen = true
    vi.advanceTimersByTime(22_000)
    await settle()
    expect(raw.text).not.toContain('error')
    vi.advanceTimersByTime(16_000)
    await raw.seen('engine_stalled')
    expect(chunksOf(raw.body).at(-1)?.error).toMatchObject({ type: 'timeout_error', param: null })
    expect(raw.text).not.toContain('[DONE]')
    await eventually(() => raw.text.endsWith('\r\n0\r\n\r\n'), 'the stream has no end')
    await eventually(() => log.length === 1)
    expect(log[0]).toMatchObject({ outcome: 'failed', code: 'engine_stalled', status: 200 })
  })

  test('an engine that stands still is a 503 before headers, and without a stream', async () => {
    const { native, url } = await serve({ pace: 'manual', script: () => ({ tokens: counting() }) })
    native.isFrozen = true
    const waiting = chat(url, story({ stream: false }))
    await eventually(() => native.submitted.length === 1)
    vi.advanceTimersByTime(38_000)
    const response = await waiting
    expect(response.status).toBe(503)
    expect(await response.json()).toMatchObject({ error: { code: 'engine_stalled' } })
  })

  test('waiting in the queue is no stall while the replies in front move', async () => {
    const script = () => ({ tokens: counting() })
    const { native, client } = await serve({ pace: 'manual', script, engine: { parallel: 1 } })
    const [first, second] = [await client(), await client()]
    first.send(post(chatPath, story()))
    await stepUntil(native, () => first.text.includes('"0 "'))
    second.send(post(chatPath, story()))
    await stepUntil(native, () => second.text.includes('"role"'))
    for (let look = 0; look < 12; look++) {
      native.step()
      vi.advanceTimersByTime(7_500)
      await settle(3)
    }
    expect(first.text + second.text).not.toContain('error')
  })

  test('a reader that makes its reply wait is no stall of the engine', async () => {
    const served = await serve({ pace: 'manual', script: bigScript, engine: { window } })
    const raw = await stuck(served)
    vi.advanceTimersByTime(44_000)
    raw.read()
    await settle()
    expect(raw.text).not.toContain('engine_stalled')
    expect(served.native.cancelled).toEqual([])
  })
})
