import type { ModelBytes } from './room.js'

/** What the pool needs of an engine. */
export interface PooledEngine {
  readonly closed: boolean
  /** Resolves once its memory is free: with why, where it ended by itself. Never rejects. */
  readonly ended: Promise<unknown>
  close(): Promise<void>
}

/** A model as the pool gets it: what it takes, and how it is loaded. */
export interface Source<E extends PooledEngine> {
  readonly name: string
  /** Requests that may wait for it to be loaded. */
  readonly queueMax: number
  /** How long one may wait for its load to begin. */
  readonly queueDeadlineMs: number
  /** Asked once, and again where it failed. Rejects where the model cannot be loaded. */
  measure(signal: AbortSignal): Promise<ModelBytes>
  open(signal: AbortSignal): Promise<E>
}

/**
 * Where a model stands. `loading` is from where it is first waited for; `failed` is one that a load
 * failed of, which the next request after a while tries again.
 */
export type ModelState = 'unloaded' | 'loading' | 'loaded' | 'failed'

/** Why a model was unloaded: another needed its memory, nobody used it, or it was asked for. */
export type UnloadReason = 'memory' | 'idle' | 'asked' | 'closed'

/** What became of a model. */
export type PoolEvent =
  | { readonly kind: 'loading'; readonly model: string }
  | {
      readonly kind: 'loaded'
      readonly model: string
      /** Of the load itself. */
      readonly durationMs: number
      /** Of memory, by the estimate that the pool counts with. */
      readonly bytes: number
    }
  | { readonly kind: 'unloaded'; readonly model: string; readonly reason: UnloadReason }
  | {
      readonly kind: 'failed'
      readonly model: string
      readonly error: unknown
      /** Until a request tries again. */
      readonly retryMs: number
    }

/** A model of a pool, as it is now. */
export interface ModelStatus {
  readonly name: string
  readonly state: ModelState
  /** Uses that have begun and not ended. */
  readonly inUse: number
  /** Requests that wait for it to be loaded. */
  readonly waiting: number
  /** Bytes of memory that it takes, or will take; undefined where that was not found out yet. */
  readonly bytes: number | undefined
  /** How often it was loaded, unloaded, and failed to load or ended by itself. */
  readonly loads: number
  readonly unloads: number
  readonly failures: number
  /** What the last load failed with, or why its engine ended; undefined once it is loaded again. */
  readonly error: unknown
}
