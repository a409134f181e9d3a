import type { DeviceInfo } from '../../api/placement-types.js'
import { findWorker } from '../../workers/find-workers.js'
import type { Problem } from './report.js'

/** Devices of other machines, as an engine with this `rpc` would find them. */
export async function workerDevices(
  names: readonly string[],
  version: string,
  problems: Problem[],
): Promise<DeviceInfo[]> {
  const { signal } = new AbortController() // it looks for no longer than a worker may take
  const found = await Promise.all(
    names.map(async (name) => {
      try {
        return (await findWorker(name, { version, signal })).devices.map((one) => ({
          name,
          ...one,
        }))
      } catch (error) {
        const what = (error as Error).message
        problems.push({ level: 'error', what, fix: 'see docs/several-machines.md' })
        return []
      }
    }),
  )
  return found.flat().map(({ name, freeBytes, totalBytes }, i) => ({
    name: `RPC${i}`,
    description: `a device of the worker ${name}`,
    backend: 'rpc',
    kind: 'gpu', // to ggml's client all of them are
    freeBytes,
    totalBytes,
  }))
}

/** What an engine with such workers warns of (WARN_TRUSTED_NETWORK), where none has been asked. */
export function trustedNetwork(names: readonly string[]): Problem[] {
  if (names.length === 0) return []
  const crossing = `weights, prompts and replies cross the network to ${names.join(', ')}`
  const danger = 'without a key and unencrypted, and whoever reaches a worker can run code on it'
  const fix = 'keep them in a network that you trust, and no other'
  return [{ level: 'warning', what: `${crossing} ${danger}`, fix }]
}
