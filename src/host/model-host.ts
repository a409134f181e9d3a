import type { Ability } from '../api/ability.js'
import type { KnownModel, ModelState, ModelStatus } from '../api/models-types.js'
import type { EngineSettings, ModelInfo } from '../api/types.js'
import type { Engine } from '../engine/engine.js'
import type { Telling } from './engine-fault.js'

/** What a request asks of a model. Tokens and the template's prompt are to be had of each. */
export type Need = Ability | 'tokens'

/** A model that requests may ask for. */
export interface ModelEntry {
  /** All that it answers to, its own name first. */
  readonly names: readonly [string, ...string[]]
  /** Names of its LoRA adapters: who asks for one has the model with that adapter. */
  readonly adapters: readonly string[]
  /** Unix seconds. */
  readonly created: number
  readonly state: ModelState
  /** What is known of it; undefined of one that was never looked at. */
  readonly known: KnownModel | undefined
}

/** One that is in memory. */
export interface LoadedModel {
  readonly names: ModelEntry['names']
  readonly adapters: ModelEntry['adapters']
  readonly model: ModelInfo
  readonly settings: EngineSettings
  readonly engine: Engine
  /** Changes when the same seed may give another text. */
  readonly fingerprint: string
}

/** Who asks for a model, and what gives that up. Owners take turns. */
export interface Asker {
  readonly owner: string
  readonly signal: AbortSignal
}

/** A model in use: it stays loaded until release(), which may be called twice. */
export interface Lease {
  readonly model: LoadedModel
  readonly release: () => void
}

/** What a host of several models counts. */
export interface HostNumbers {
  readonly models: readonly ModelStatus[]
  /** Bytes of the models in memory, as they are counted for the budget. */
  readonly bytes: number
  readonly budgetBytes: number
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
  /** Whether requests only wait for now: the process of the one engine is started again. */
  readonly isRestarting: boolean
  /** All that requests may ask for. Throws as check() does. */
  entries(): readonly ModelEntry[]
  /** The model of a name; nothing, or '', is the one that is there. Throws a 404, or as check(). */
  find(name: string | undefined): ModelEntry
  /**
   * The same, to be used. Rejects with a 400 too where it is no model for that, and with the
   * signal's reason.
   */
  lease(name: string | undefined, need: Need, asker: Asker): Promise<Lease>
  /**
   * Has a model loaded, and does not wait for that. Throws a 400 where it is loaded already, and as
   * find() does.
   */
  load(name: string | undefined): void
  /** The same for unloading it, once no request uses it; a 400 where it is not loaded. */
  unload(name: string | undefined): void
  /**
   * How long the model stays in memory without a use, until it is unloaded: 0 is until nobody uses
   * it, Infinity is ever. Returns whether that has any effect: not where models always stay.
   */
  keep(name: string | undefined, idleMs: number): boolean
  /** When it is unloaded if nobody uses it, in Unix milliseconds; undefined is never. */
  idleAt(name: string | undefined): number | undefined
  /** Another name of a model, for as long as the host lives. Throws a 400 where it is taken. */
  copy(name: string | undefined, further: string): void
  /** Throws a 501 where no model can be added, and a 400 where none can have that name. */
  checkAdd(name: string): void
  /** One more model, of the Hub's cache. Throws as checkAdd(), and a 400 while it is deleted. */
  add(name: string, hubName: string): void
  /**
   * Takes a name away that copy() gave, or a model that add() did, once no request uses it: out of
   * the Hub's cache too, where no other model has its file. Throws a 400 for another, and as find()
   * does.
   */
  remove(name: string): Promise<void>
  /** Undefined where nothing is ever loaded or unloaded. */
  numbers(): HostNumbers | undefined
  /** Those in memory, also where the engine has ended: its last numbers are still told. */
  loaded(): readonly LoadedModel[]
  /** Closes every engine. For the owner of the engines, which a server is not. */
  close(): Promise<void>
}
