import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'vitest'
import { eventually } from '../eventually.js'
import { post } from '../raw-client.js'
import { chatPath, story } from '../serve.js'
import type { Metrics } from './metrics.js'
import type { Resources, ServerUnderTest } from './server.js'

/** How soon after the last request all is as before. */
const quietMs = 2000

/** A server at rest: what it takes, and what it says to a request that is always the same. */
export interface Baseline extends Resources {
  readonly canary: string
}

/** Once it has done what it is about to do, so that what is made once is there. */
export async function baselineOf(server: ServerUnderTest): Promise<Baseline> {
  const canary = await canaryOf(server)
  await quiet(server)
  await sleep(200) // for the connection that asked
  return { ...server.resources(), canary }
}

/** Waits until nothing is under way; fails where that takes longer than two seconds. */
export async function quiet(server: ServerUnderTest, limitMs = quietMs): Promise<Metrics> {
  let last = await server.metrics()
  const isQuiet = async () => {
    last = await server.metrics()
    return last.open === 0
  }
  await eventually(isQuiet, () => `open: ${last.queued} ${last.running} ${last.parked}`, limitMs)
  return last
}

/**
 * The server is as it was: gauges, counts, descriptors, threads, memory and the canary.
 * @param marginMiB what its memory may have grown by. @returns by how many MiB it has
 */
export async function expectAsBefore(
  server: ServerUnderTest,
  before: Baseline,
  marginMiB: number,
): Promise<number> {
  const now = await quiet(server)
  const ended = now.ended('finished') + now.ended('cancelled') + now.ended('failed')
  expect(ended).toBe(now.started)
  await descriptorsBack(server, before)
  expect(await canaryOf(server)).toBe(before.canary)
  const grownMiB = (server.resources().bytes - before.bytes) / 2 ** 20
  expect(grownMiB).toBeLessThan(marginMiB)
  return grownMiB
}

/** Waits until descriptors and threads are as many as before: no connection is left. */
export async function descriptorsBack(
  server: ServerUnderTest,
  { descriptors, threads }: Baseline,
  limitMs = quietMs,
): Promise<void> {
  let now = server.resources()
  const areBack = () => {
    now = server.resources()
    return now.descriptors <= descriptors && now.threads <= threads
  }
  const message = () => {
    return `${now.descriptors} of ${descriptors} descriptors, ${now.threads} of ${threads} threads`
  }
  await eventually(areBack, message, limitMs)
}

/** Drains; its log has nothing but what is told of requests, and no fault of the server's own. */
export async function expectGoodEnd({ cli }: ServerUnderTest): Promise<void> {
  cli.child.kill('SIGTERM')
  const { code, stderr } = await cli.result
  expect(code, stderr.slice(-2000)).toBe(0)
  const odd = stderr.split('\n').filter((line) => line !== '' && !isOfRequest(line))
  expect(odd).toEqual([])
}

function isOfRequest(line: string): boolean {
  return /^\{"level":"warn",.*"msg":"request"\}$/.test(line)
}

async function canaryOf(server: ServerUnderTest): Promise<string> {
  const client = await server.connect()
  const body = story({ stream: false, seed: 7, max_tokens: 24, ignore_eos: true })
  client.send(post(chatPath, body, { connection: 'close' }))
  await client.closed()
  const { choices } = JSON.parse(client.body)
  return choices[0].message.content
}
