import type { AccessEntry } from '../http/index.js'

/** From the most to the least that is told. */
export const logLevels = ['debug', 'info', 'warn', 'error', 'silent'] as const
export type LogLevel = (typeof logLevels)[number]

/** Looks that come every few seconds. */
const polled: readonly (string | undefined)[] = ['/health', '/metrics']

/** Their good answers as long as a server starts, or drains. An engine that has failed is none. */
const inPassing: readonly (string | undefined)[] = ['loading', 'shutting_down']

/** How much an ended request matters. A client that leaves does what it may. */
export function levelOf({
  outcome,
  status,
  error,
  route,
  code,
}: AccessEntry): Exclude<LogLevel, 'silent'> {
  const isPolled = polled.includes(route)
  if (outcome === 'failed' && !(isPolled && inPassing.includes(code))) {
    if (code === 'deadline_exceeded') return 'warn' // its sender said so
    return status >= 500 || status === 200 || error !== undefined ? 'error' : 'warn'
  }
  return isPolled ? 'debug' : 'info'
}
