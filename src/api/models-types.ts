/** Several models of one process, loaded when they are asked for. */

import type { EngineCrash } from './isolation-types.js'
import type { Estimate, LoadWarning } from './placement-types.js'
import type { LoadOptions, ModelInfo } from './types.js'

/**
 * Where a model stands. `loading` is from where it is first waited for. `failed` is one that did
 * not load, or whose engine ended by itself; a request tries again after a while.
 */
export type ModelState = 'unloaded' | 'loading' | 'loaded' | 'failed'

/** Why a model was unloaded: another needed its memory, nobody used it, or it was asked for. */
export type UnloadReason = 'memory' | 'idle' | 'asked' | 'closed'

/** What became of a model. */
export type ModelEvent =
  | { readonly kind: 'loading'; readonly model: string }
  | {
      readonly kind: 'loaded'
      readonly model: string
      /** Of the load itself. */
      readonly durationMs: number
      /** Of memory, by the estimate that counts for the budget. */
      readonly bytes: number
    }
  | { readonly kind: 'unloaded'; readonly model: string; readonly reason: UnloadReason }
  | {
      readonly kind: 'failed'
      readonly model: string
      readonly error: unknown
      /** Milliseconds for which requests fail at once with the same error. */
      readonly retryMs: number
    }
  | {
      /** The process of its engine died (`isolation`), and is started again unless it ends. */
      readonly kind: 'crashed'
      readonly model: string
      readonly crash: EngineCrash
    }

/** A model, as it is now. */
export interface ModelStatus {
  readonly name: string
  readonly state: ModelState
  /** Uses that have begun and not ended. */
  readonly inUse: number
  /** Uses that wait for it to be loaded. */
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

/** What is known of a model: all once it was loaded, and before that what its file says. */
export interface KnownModel {
  readonly model: Estimate['model'] & Partial<ModelInfo>
  /** Tokens per sequence. */
  readonly context: number
}

/** One of several models: what `load` takes, and what else it is called. */
export interface PooledModelOptions
  extends Omit<LoadOptions, 'signal' | 'onProgress' | 'onWarning' | 'onPull' | 'onCrash'> {
  /** Other names of it. At most 1,024. */
  aliases?: readonly string[]
}

export interface ModelsOptions {
  /**
   * The models by their names, of 1 to 256 characters. At least one, at most 1,024. Of the Hub they
   * take what is in the cache: `pull` brings it there.
   */
  models: Readonly<Record<string, PooledModelOptions>>
  /**
   * The model that `default`, or no name at all, stands for. Default: the first. It has to be given
   * where one of several has a name of digits alone, which an object puts before all others.
   */
  default?: string
  /**
   * MiB of the system's memory that all loaded models may take together: weights, KV caches, what
   * a step computes in, and what is kept of conversations. Default: nine tenths of what is free
   * now. Memory of GPUs is not counted.
   */
  memoryMiB?: number
  /**
   * Options of models that are added while others are served, by a pull over HTTP (`allowPull` of
   * the server). Default: those of `load`.
   */
  added?: Omit<PooledModelOptions, 'model' | 'draft' | 'lora' | 'aliases'>
  /** Milliseconds without a use after which a model is unloaded. 0, the default, is never. */
  idleUnloadMs?: number
  /**
   * Told of loads, unloads and crashes. What it throws becomes a process warning, once. Default: a
   * failure or a crash becomes a process warning with the code SLUICE_MODEL.
   */
  onEvent?: (event: ModelEvent) => void
  /** As `load`'s, with the model's name. Default: a process warning. */
  onWarning?: (warning: LoadWarning, model: string) => void
}
