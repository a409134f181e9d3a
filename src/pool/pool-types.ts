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
  /** How long such a request may wait for the load to begin. */
  readonly queueDeadlineMs: number
  /** Other machines' (`rpc`): each serves one engine at a time, an estimate too. */
  readonly workers: readonly string[]
  /** Whether its files are others than those that were measured last. */
  hasChanged(): Promise<boolean>
  /** Asked once, and again where it failed or has changed. Rejects where it cannot be loaded. */
  measure(signal: AbortSignal): Promise<ModelBytes>
  open(signal: AbortSignal): Promise<E>
}
