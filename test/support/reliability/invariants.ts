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

/** What may be more than before. */
export interface Tolerance {
  /** Connections of this process' that are kept alive. Default 0. */
  readonly descriptors?: number
  /** Resident, of all its processes. */
  readonly residentMiB: number
}

/**
 * The server is as it was: gauges, counts, descriptors, threads, memory and the canary.
 * @returns by how many MiB its memory has grown
 */
export async function expectAsBefore(
  server: ServerUnderTest,
  before: Baseline,
  { descriptors = 0, residentMiB }: Tolerance,
): Promise<number> {
  const now = await quiet(server)
  const ended = now.ended('finished') + now.ended('cancelled') + now.ended('failed')
  expect(ended).toBe(now.started)
  expect(now.sum('kv_cache_usage_perc')).toBe(0)
  await descriptorsBack(server, { ...before, descriptors: before.descriptors + descriptors })
  expect(await canaryOf(server)).toBe(before.canary)
  const grownMiB = (server.resources().bytes - before.bytes) / 2 ** 20
  expect(grownMiB).toBeLessThan(residentMiB)
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

/** Drains, and ends with 0 and without an exception that nobody caught. @returns its log */
export async function expectGoodEnd({ cli }: ServerUnderTest): Promise<string> {
  cli.child.kill('SIGTERM')
  const { code, stderr } = await cli.result
  expect(code, stderr.slice(-2000)).toBe(0)
  expect(stderr).not.toMatch(/unhandled|uncaught|UnhandledPromise|\n {4}at /i)
  return stderr
}

/** The same, and its log (JSON) has nothing but what is told of requests. */
export async function expectQuietEnd(server: ServerUnderTest): Promise<void> {
  const lines = (await expectGoodEnd(server)).split('\n')
  expect(lines.filter((line) => line !== '' && !isOfRequest(line))).toEqual([])
}

function isOfRequest(line: string): boolean {
  return /^\{"level":"warn",.*"msg":"request"\}$/.test(line)
}

/** The text of a request that is always the same. With `--kv-type q8_0` it is, too. */
export async function canaryOf(server: ServerUnderTest, more: object = {}): Promise<string> {
  const client = await server.connect()
  const body = story({ stream: false, seed: 7, max_tokens: 24, ignore_eos: true, ...more })
  client.send(post(chatPath, body, { connection: 'close' }))
  await client.closed()
  const { choices } = JSON.parse(client.body)
  return choices[0].message.content
}
