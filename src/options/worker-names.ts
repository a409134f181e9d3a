import { isIPv4 } from 'node:net'
import { type Check, check } from './checks.js'

/** Where a worker is: `sluice worker` on another machine. */
export interface WorkerName {
  readonly host: string
  readonly port: number
}

/** As many as ggml takes. */
const workersMax = 16

/** @returns undefined where it is none: llama.cpp's RPC knows no IPv6 */
export function parseWorkerName(text: string): WorkerName | undefined {
  const [, host = '', digits = ''] = /^([a-z0-9._-]{1,253}):(\d{1,5})$/i.exec(text) ?? []
  const port = Number(digits)
  const isHost = /^[\d.]+$/.test(host) ? isIPv4(host) : host !== ''
  return isHost && port >= 1 && port <= 65_535 ? { host, port } : undefined
}

const form = 'host:port of each worker, which is a name or an IPv4 address'

/** Each of them once. */
export const workerNames: Check<readonly string[]> = {
  ...check<readonly string[]>(`1 to ${workersMax} of ${form}`, (value) => {
    if (!Array.isArray(value) || value.length === 0 || value.length > workersMax) return false
    const names: unknown[] = Array.from(value) // every() would pass over holes
    return names.every(isName) && new Set(names).size === names.length
  }),
  read: (value) => [...value],
}

/** The same on a command line, with commas between. */
export const workerList: Check<string> = check(`${form}, with commas between`, (value) => {
  return typeof value === 'string' && workerNames.accepts(value.split(','))
})

function isName(value: unknown): boolean {
  return typeof value === 'string' && parseWorkerName(value) !== undefined
}
