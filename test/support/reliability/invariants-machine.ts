import { expect } from 'vitest'
import { eventually } from '../eventually.js'
import { canaryText, gauge } from './canary.js'
import { type Resources, resourcesOf } from './resources.js'
import type { Served } from './served.js'

/** What a server has before a test troubles it. */
export interface Baseline extends Resources {
  /** The canary's right text. */
  readonly text: string
}

/** After a canary, so that what is made once is there: and again, so that it was this one's. */
export async function baseline(served: Served): Promise<Baseline> {
  await canaryText(served)
  const text = await canaryText(served)
  expect(text.length).toBeGreaterThan(10)
  await eventually(async () => (await open(served)) === 0, 'it does not come to rest')
  return { ...resourcesOf(served.pid), text }
}

const mebibyte = 2 ** 20

export interface Tolerance {
  /** What may be more than before. Keep-alive's and metrics' connections of this process stay. */
  readonly descriptors?: number
  readonly threads?: number
  readonly residentMiB?: number
}

/**
 * What holds of a server after every test: nothing is in flight, no place is taken, descriptors,
 * threads and memory are back, and a canary gets the right answer.
 */
export async function expectAtRest(
  served: Served,
  before: Baseline,
  { descriptors = 4, threads = 0, residentMiB = 64 }: Tolerance = {},
): Promise<Resources> {
  expect(await canaryText(served)).toBe(before.text)
  await eventually(async () => (await open(served)) === 0, 'something is in flight yet')
  expect(await gauge(served, 'sluice_kv_cache_usage_perc')).toBe(0)
  const now = () => resourcesOf(served.pid)
  await eventually(
    () => now().descriptors <= before.descriptors + descriptors,
    () => `it has ${now().descriptors} descriptors, and had ${before.descriptors}`,
  )
  await eventually(
    () => now().threads <= before.threads + threads,
    () => `it has ${now().threads} threads, and had ${before.threads}`,
  )
  const grown = (now().residentBytes - before.residentBytes) / mebibyte
  expect(grown).toBeLessThan(residentMiB)
  expect(served.cli.child.exitCode).toBeNull()
  return now()
}

async function open(served: Served): Promise<number> {
  const names = ['running', 'waiting', 'parked'].map((name) => `sluice_num_requests_${name}`)
  const counts = await Promise.all(names.map((name) => gauge(served, name)))
  return counts.reduce((sum, one) => sum + one, 0)
}

/** Ends a server as its service would, and holds that it says nothing of a fault of its own. */
export async function expectGoodEnd({ cli }: Served): Promise<string> {
  cli.child.kill('SIGTERM')
  const { code, stderr } = await cli.result
  expect(stderr).not.toMatch(/unhandled|uncaught|UnhandledPromise|\n {4}at /i)
  expect(code).toBe(0)
  return stderr
}
