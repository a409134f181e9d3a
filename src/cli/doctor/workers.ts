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
