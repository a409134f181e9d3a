import os from 'node:os'
import type { NativeAddon } from '../binding/native.js'
import { isFirstWorker } from './warnings.js'

/** Where nothing is known at all. */
const coresUnknown = 1
const bytesUnknown = 2 ** 31

let isTold = false

/**
 * What the system says, or `otherwise` where it says nothing: Deno without --allow-sys throws
 * where free memory is asked for, and a hardened Node may.
 */
export function asked<T>(ask: () => T, otherwise: T): T {
  try {
    return ask()
  } catch {
    return otherwise // not allowed, and so unknown
  }
}

/** Processors that this process may use. */
export function coresMax(): number {
  const cores = asked(() => os.availableParallelism(), 0)
  if (cores > 0) return cores
  // Deno tells it without a permission, Node from 21 on.
  const { navigator } = globalThis as { navigator?: { hardwareConcurrency?: number } }
  const told = asked(() => navigator?.hardwareConcurrency ?? 0, 0)
  return told > 0 ? told : coresUnknown
}

/**
 * Bytes of memory that are free. A container's limit counts, where Node knows of one. Where
 * asking is not allowed, half of the memory that the machine has, with a process warning.
 */
export function freeBytes(addon: Pick<NativeAddon, 'devices'>): number {
  const free = [
    asked(() => os.freemem(), 0),
    asked(() => process.availableMemory?.() ?? 0, 0), // 0 where it is not known
  ].filter((bytes) => bytes > 0)
  if (free.length > 0) return Math.min(...free)
  warnOnce()
  const cpu = addon.devices(false).find(({ kind }) => kind === 'cpu')
  return cpu !== undefined && cpu.totalBytes > 0 ? Math.floor(cpu.totalBytes / 2) : bytesUnknown
}

function warnOnce(): void {
  if (isTold) return
  isTold = true
  if (!isFirstWorker()) return
  process.emitWarning("nobody may ask how much memory is free: half of the machine's is assumed", {
    code: 'SLUICE_MEMORY',
    detail: 'Deno tells it with --allow-sys; context and cacheMiB say what may be taken',
  })
}
