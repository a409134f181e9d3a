import type { EngineSettings, ModelInfo } from '../api/types.js'
import type { Engine } from '../engine/engine.js'
import type { Telling } from './engine-fault.js'

/** What a request asks of a model. Tokens and the template's prompt are to be had of each. */
export type Need = 'text' | 'embeddings' | 'ranks' | 'tokens'

/** A model that requests may ask for. */
export interface ModelEntry {
  /** All that it answers to, its own name first. */
  readonly names: readonly [string, ...string[]]
  /** Unix seconds. */
  readonly created: number
  readonly model: ModelInfo
  readonly settings: EngineSettings
}

/** One that is in memory. */
export interface LoadedModel extends ModelEntry {
  readonly engine: Engine
  /** Changes when the same seed may give another text. */
  readonly fingerprint: string
}

/** A model in use: it stays loaded until release(), which may be called twice. */
export interface Lease {
  readonly model: LoadedModel
  readonly release: () => void
}

/**
 * The models behind a server, and an engine for each request that asks for one by its name. What
 * it throws or rejects with is an HttpError, in words for the client, but for `ready` and
 * a signal's reason.
 */
export interface ModelHost {
  /** Resolves once requests are served; rejects with why they never will be. */
  readonly ready: Promise<void>
  /** Throws the 503 that every request gets: no model is loaded yet, or there is none any more. */
  check(telling?: Telling): void
  /** All that requests may ask for. Throws as check() does. */
  entries(): readonly ModelEntry[]
  /** The model of a name; nothing, or '', is the one that is there. Throws a 404, or as check(). */
  find(name: string | undefined): ModelEntry
  /**
   * The same, to be used. Rejects with a 400 too where it is no model for that, and with the
   * signal's reason.
   */
  lease(name: string | undefined, need: Need, signal: AbortSignal): Promise<Lease>
  /** Those in memory, also where the engine has ended: its last numbers are still told. */
  loaded(): readonly LoadedModel[]
  /** Closes every engine. For the owner of the engines, which a server is not. */
  close(): Promise<void>
}
