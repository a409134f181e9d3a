import { readFileSync } from 'node:fs'

/**
 * Descriptors that connections leave over: of what a process has open anyway, and of models,
 * states, certificates, an engine's process that is started again, and ports beside the server's.
 * A quarter of all, within these.
 */
const leftMin = 32
const leftMax = 256

/**
 * How many connections a server takes: as many as are wanted, but not those for which the process
 * has no descriptors. Where those run out, Node closes newcomers by a spare one of its own, or
 * looks for one without a pause until a connection ends; and nothing else can be opened.
 */
export function connectionsWithin(wanted: number, descriptors = descriptorsMax()): number {
  return Math.max(1, Math.min(wanted, descriptors - leftOf(descriptors)))
}

/** The same for a port beside the server's, as for metrics: a quarter of what that one leaves. */
export function connectionsBeside(wanted: number, descriptors = descriptorsMax()): number {
  return Math.max(1, Math.min(wanted, leftOf(descriptors) >> 2))
}

function leftOf(descriptors: number): number {
  return Math.min(leftMax, Math.max(leftMin, Math.ceil(descriptors / 4)))
}

/** `ulimit -n`, where the system tells it. */
function descriptorsMax(): number {
  if (process.versions.deno !== undefined) return Number.POSITIVE_INFINITY // it asks its user first
  try {
    const limits = readFileSync('/proc/self/limits', 'utf8')
    const [, soft] = /^Max open files\s+(\d+)/m.exec(limits) ?? []
    return soft === undefined ? Number.POSITIVE_INFINITY : Number(soft)
  } catch {
    return Number.POSITIVE_INFINITY // only Linux has this file
  }
}
