import cluster from 'node:cluster'
import type { LoadWarning } from '../api/placement-types.js'

/** Told already, by code and message: a server that loads ten engines says it once. */
const told = new Set<string>()

/**
 * Whether this process is the one to tell what all workers of a node:cluster would say alike: the
 * first of them, of pm2's the first of an app. Any other process is.
 */
export function isFirstWorker(): boolean {
  if (!cluster.isWorker) return true
  const { NODE_APP_INSTANCE: instance = '' } = process.env
  return instance === '' ? cluster.worker?.id === 1 : instance === '0'
}

/**
 * Gives a warning of the load to the callback, else to Node (`process.on('warning')`, or a line on
 * stderr that `--no-warnings` silences), which hears of the same one once, of a cluster too.
 */
export function tellWarning(
  { code, message }: LoadWarning,
  onWarning: ((warning: LoadWarning) => void) | undefined,
): void {
  if (onWarning !== undefined) {
    onWarning({ code, message })
    return
  }
  const text = `${code} ${message}`
  if (told.has(text)) return
  told.add(text)
  if (!isFirstWorker()) return
  process.emitWarning(message, { type: 'SluiceWarning', code })
}
