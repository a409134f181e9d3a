import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { eventually } from '../../support/eventually.js'
import { randomModel } from '../../support/models/random-model.js'
import type { RawClient } from '../../support/raw-client.js'
import { Beat } from '../../support/reliability/beat.js'
import { baselineOf, expectAsBefore, expectQuietEnd } from '../../support/reliability/invariants.js'
import { fetchText } from '../../support/reliability/metrics.js'
import { askOf, wholeTextOf } from '../../support/reliability/replies.js'
import { ServerUnderTest } from '../../support/reliability/server.js'

// Clients that send a byte a second, and more connections than there may be. docs/reliability.md
// has the figures.

const each = 500
const headersTimeoutMs = 10_000
const requestTimeoutMs = 60_000
/** How much later than its timeout a connection may be closed: Node looks four times in it. */
const lateMs = 5000
const connectionsMax = 4096

interface Closed {
  readonly client: RawClient
  afterMs: number | undefined
}

/** Sends the beginning at once, and of the rest a byte a second until the server has enough. */
function dribble(client: RawClient, beginning: string, beat: Beat): Closed {
  const begun = performance.now()
  const closed: Closed = { client, afterMs: undefined }
  client.send(beginning)
  const stop = beat.join(() => client.send('a'))
  client.socket.once('close', () => {
    closed.afterMs = performance.now() - begun
    stop()
  })
  client.socket.once('end', () => client.fin())
  return closed
}

const headers = 'POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\nx-slow: '
const body =
  'POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n' +
  'content-length: 1000\r\n\r\n{"model": "'

function expectTimeout(closed: readonly Closed[], timeoutMs: number): string {
  const times = closed.map(({ afterMs = Number.POSITIVE_INFINITY }) => afterMs)
  const [first, last] = [Math.min(...times), Math.max(...times)]
  expect(first).toBeGreaterThan(timeoutMs - 1000)
  expect(last).toBeLessThan(timeoutMs + lateMs)
  for (const { client } of closed) {
    expect(client.status).toBe(408)
    expect(JSON.parse(client.body).error.code).toBe('request_timeout')
  }
  return `${(first / 1000).toFixed(1)} to ${(last / 1000).toFixed(1)} s`
}

/** How long /health takes, asked again and again until it is stopped. */
function watchHealth({ host, port }: ServerUnderTest): () => Promise<number[]> {
  const times: number[] = []
  let isOn = true
  const watch = async () => {
    while (isOn) {
      const begun = performance.now()
      await fetchText(host, port, '/health')
      times.push(performance.now() - begun)
      await sleep(20)
    }
    return times.sort((a, b) => a - b)
  }
  const watching = watch()
  return () => {
    isOn = false
    return watching
  }
}

async function textOf(server: ServerUnderTest): Promise<string> {
  const client = await server.connect()
  client.send(askOf(1))
  await eventually(() => client.isEnded, 'it never ended')
  return wholeTextOf(client)
}

/** The same for some seconds, so that what is made once is there. */
async function warmUp(server: ServerUnderTest): Promise<void> {
  const beat = new Beat(1000)
  const clients = await Promise.all(Array.from({ length: 2 * each }, () => server.connect()))
  const slow = clients.map((client, i) => dribble(client, i % 2 === 0 ? headers : body, beat))
  const stop = watchHealth(server)
  for (let i = 0; i < 50; i++) await textOf(server)
  await stop()
  for (const { client } of slow) client.reset()
}

/** As many connections as there may be. */
async function fill(server: ServerUnderTest): Promise<RawClient[]> {
  const clients: RawClient[] = []
  while (clients.length < connectionsMax) {
    clients.push(...(await Promise.all(Array.from({ length: 256 }, () => server.connect()))))
  }
  return clients
}

describe.skipIf(process.platform !== 'linux')('connections that ask for nothing', () => {
  test('1,000 of a byte a second are closed at their timeouts, and others are served', async () => {
    const server = await ServerUnderTest.start(randomModel({ weights: 'q8_0' }), [])
    const text = await textOf(server)
    await warmUp(server)
    const before = await baselineOf(server)
    const beat = new Beat(1000)
    const clients = await Promise.all(Array.from({ length: 2 * each }, () => server.connect()))
    const slowHeaders = clients.slice(0, each).map((client) => dribble(client, headers, beat))
    const slowBodies = clients.slice(each).map((client) => dribble(client, body, beat))
    const stop = watchHealth(server)
    let replies = 0
    const areClosed = () => [...slowHeaders, ...slowBodies].every(({ client }) => client.isClosed)
    while (!areClosed()) {
      expect(await textOf(server)).toBe(text)
      replies++
      await sleep(200)
    }
    const health = await stop()
    const p99 = health[Math.floor(health.length * 0.99)] as number
    const told = [
      expectTimeout(slowHeaders, headersTimeoutMs),
      expectTimeout(slowBodies, requestTimeoutMs),
    ]
    console.log(
      `${2 * each} dribblers: /health p99 ${p99.toFixed(1)} ms of ${health.length} looks, ` +
        `${replies} replies beside them right; headers closed after ${told[0]}, bodies after ` +
        `${told[1]}`,
    )
    await expectAsBefore(server, before, { residentMiB: 48 })
    expect(p99).toBeLessThan(100)
    await expectQuietEnd(server)
  })

  test('the 4,097th connection is closed on arrival, and counted', async () => {
    const server = await ServerUnderTest.start(randomModel({ weights: 'q8_0' }), [])
    const text = await textOf(server)
    const first = await baselineOf(server)
    const all = await fill(server)
    const kibibytes = (server.resources().bytes - first.bytes) / connectionsMax / 1024
    for (const client of all) client.reset()
    const before = await baselineOf(server)

    const [last, ...clients] = await fill(server)
    const more = await Promise.all(Array.from({ length: 20 }, () => server.connect()))
    await eventually(() => more.every((client) => client.isClosed || client.isEnded))
    last?.send(askOf(1))
    await eventually(() => last?.isEnded === true, 'who was there is not served')
    expect(wholeTextOf(last as RawClient)).toBe(text)
    expect(clients.filter(({ isEnded, isClosed }) => isEnded || isClosed)).toEqual([])
    for (const client of clients) client.reset()
    const grownMiB = await expectAsBefore(server, before, { residentMiB: 32 })
    expect((await server.metrics()).sum('http_connections_dropped_total')).toBe(more.length)
    console.log(
      `${connectionsMax} connections take ${kibibytes.toFixed(1)} KiB each, ${more.length} more ` +
        `are closed on arrival; a second time they add ${grownMiB.toFixed(1)} MiB`,
    )
    await expectQuietEnd(server)
  })
})
