/** Of engines that have a process of their own: `load({ isolation: 'process' })`. */

/**
 * Why an engine's process died:
 *
 * - `crashed`: a signal ended it (an assertion, want of memory, by hand), or it left
 * - `stalled`: it stood still for `engineStallMs` and was killed
 * - `failed`: its engine ended by itself, or could not load the model again
 */
export type EngineCrashReason = 'crashed' | 'stalled' | 'failed'

/** What became of an engine whose process died. */
export interface EngineCrash {
  readonly reason: EngineCrashReason
  /** The same in words, for people. */
  readonly message: string
  /** The signal that ended the process, and its exit code; null where there is none. */
  readonly signal: string | null
  readonly exitCode: number | null
  /** Requests that fail with ERR_ENGINE_CRASHED. */
  readonly failed: number
  /** Requests that are asked for once more: nothing of their answers had come. */
  readonly kept: number
  /** Milliseconds until it is started again; undefined where the engine ends instead. */
  readonly retryMs: number | undefined
}
