import type { AccessEntry } from '../http/index.js'

/** What `serve` says beside requests: each is one kind of event, and holds no prompt and no key. */
export interface LifeEvents {
  ready: { url: string; model: string }
  loading: { model: string }
  loaded: { model: string; durationMs: number; mib: number }
  unloaded: { model: string; reason: string }
  failed: { model: string; error: string; retryMs: number }
  crashed: {
    model: string
    reason: string
    message: string
    signal: string | null
    exitCode: number | null
    failed: number
    kept: number
    retryMs: number | undefined
  }
  reloaded: { file: string }
  reload_failed: { file: string; error: string }
  draining: { replies: number; deadlineMs: number }
  stopped: object
}

/** Whether an event is one to be looked into. */
export const isFault = (event: keyof LifeEvents) => {
  return event === 'failed' || event === 'crashed' || event === 'reload_failed'
}

/** Where `serve` tells what happens. */
export interface Log {
  request(entry: AccessEntry): void
  life<E extends keyof LifeEvents>(event: E, facts: LifeEvents[E]): void
}
