import { load } from 'sluice'

/** One engine for all routes, the same as that of app/api/chat. */
export function engine() {
  globalThis.engine ??= load()
  return globalThis.engine
}
