import type { LoadWarning } from '../api/placement-types.js'

/** Told already, by code and message: a server that loads ten engines says it once. */
const told = new Set<string>()

/**
 * Gives a warning of the load to the callback, else to Node (`process.on('warning')`, or a line on
 * stderr that `--no-warnings` silences), which hears of the same one once.
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
  process.emitWarning(message, { type: 'SluiceWarning', code })
}
