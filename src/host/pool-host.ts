import type { Engine } from '../engine/engine.js'
import { removePulled } from '../engine/pull/remove.js'
import { defaultName } from '../options/models-options.js'
import type { Models } from '../pool/models.js'
import type { Use } from '../pool/pool.js'
import { HttpError } from '../web/errors.js'
import { poolFault, shuttingDown } from './engine-fault.js'
import { alreadyLoaded, checkNeed, loadedModel } from './loaded-model.js'
import type {
  Asker,
  HostNumbers,
  Lease,
  LoadedModel,
  ModelEntry,
  ModelHost,
  Need,
} from './model-host.js'
import {
  areNames,
  checkAdapterNames,
  checkCopied,
  checkFree,
  isBeingDeleted,
  isOfStart,
  modelNames,
  modelNotFound,
  untagged,
} from './names.js'

interface PoolHostOptions {
  /** Further names of the default model. */
  readonly aliases: readonly string[]
  /** Whether the default model answers to any other name as well. */
  readonly anyModel: boolean
}

/** The host of several models that are loaded when they are asked for. The pool is its owner's. */
export function poolHost(models: Models, options: PoolHostOptions): ModelHost {
  return new PoolHost(models, options)
}

class PoolHost implements ModelHost {
  readonly ready = Promise.resolve()
  readonly #models: Models
  readonly #options: PoolHostOptions
  readonly #created = Math.floor(Date.now() / 1000)
  #loaded = new WeakMap<Engine, LoadedModel>()
  /** Names that requests have given, and the models that they stand for. */
  readonly #copies = new Map<string, string>()
  /** Models that requests have added, by their names, and what the Hub calls them. */
  readonly #added = new Map<string, string>()
  /** What the Hub calls those that are being deleted. */
  readonly #leaving = new Set<string>()
  /** Models whose load was asked for by itself, until it has come or failed. */
  readonly #asked = new Set<string>()

  constructor(models: Models, options: PoolHostOptions) {
    this.#models = models
    this.#options = options
    for (const name of models.names) {
      checkAdapterNames(options.aliases, models.adaptersOf(name))
    }
    models.pool.survey() // so that a list tells of each model what it is
  }

  check(): void {
    if (this.#models.closed) throw shuttingDown()
  }

  entries(): readonly ModelEntry[] {
    this.check()
    return this.#models.names.map((name) => this.#entry(name))
  }

  find(name: string | undefined): ModelEntry {
    this.check()
    return this.#entry(this.#nameOf(name))
  }

  async lease(asked: string | undefined, need: Need, asker: Asker): Promise<Lease> {
    this.check()
    const name = this.#nameOf(asked)
    // Where that is known: a model is not loaded to say no.
    const known = this.#models.known(name)?.model
    if (known !== undefined) checkNeed(name, known, need)
    const { engine, release } = await this.#use(name, asker)
    try {
      checkNeed(name, engine.model, need)
      return { model: this.#modelOf(name, engine), release }
    } catch (error) {
      release()
      throw error
    }
  }

  load(asked: string | undefined): void {
    const entry = this.find(asked)
    if (entry.state === 'loaded') throw alreadyLoaded(entry)
    const [name] = entry.names
    if (this.#asked.has(name)) return
    this.#asked.add(name)
    // What comes of it is told by the model's state and by the pool's events.
    const settled = () => void this.#asked.delete(name)
    this.#models.pool.load(name).then(settled, settled)
  }

  unload(asked: string | undefined): void {
    const { names, state } = this.find(asked)
    const [name] = names
    if (state !== 'loaded' && state !== 'loading') {
      throw new HttpError('invalid_request', `The model '${name}' is not loaded.`, {
        field: 'model',
      })
    }
    void this.#models.pool.unload(name)
  }

  keep(asked: string | undefined, idleMs: number): boolean {
    this.#models.pool.keep(this.#nameOf(asked), idleMs)
    return true
  }

  idleAt(asked: string | undefined): number | undefined {
    return this.#models.pool.idleAt(this.#nameOf(asked))
  }

  copy(asked: string | undefined, further: string): void {
    const name = this.#nameOf(asked)
    checkCopied(asked, this.#models.adaptersOf(name), further)
    checkFree(further, this.#allNames(), this.#copies.size)
    this.#copies.set(further, name)
    this.#loaded = new WeakMap() // they have its names
  }

  checkAdd(name: string): void {
    checkFree(name, this.#allNames(), this.#added.size)
  }

  add(name: string, hubName: string): void {
    this.checkAdd(name)
    if (this.#leaving.has(hubName)) throw isBeingDeleted(hubName)
    const aliases = this.#allNames().includes(hubName) ? [] : [hubName]
    this.#models.add(name, { model: hubName, aliases })
    this.#added.set(name, hubName)
  }

  async remove(asked: string): Promise<void> {
    if (this.#copies.delete(untagged(asked))) {
      this.#loaded = new WeakMap()
      return
    }
    const name = this.#nameOf(asked)
    const hubName = this.#added.get(name)
    if (hubName === undefined) throw isOfStart(name)
    this.#added.delete(name)
    for (const [copy, of] of this.#copies) if (of === name) this.#copies.delete(copy)
    this.#leaving.add(hubName)
    try {
      const isShared = await this.#models.remove(name)
      if (!isShared) await removePulled(hubName)
    } finally {
      this.#leaving.delete(hubName)
    }
  }

  #allNames(): string[] {
    return this.#models.names.flatMap((name) => [
      ...this.#namesOf(name),
      ...this.#models.adaptersOf(name),
    ])
  }

  /** Others of its models are served. */
  get isRestarting(): boolean {
    return false
  }

  numbers(): HostNumbers {
    const { bytes, budgetBytes } = this.#models.pool
    return { models: this.#models.list(), bytes, budgetBytes }
  }

  loaded(): readonly LoadedModel[] {
    const { pool } = this.#models
    return pool.loaded().map(({ name, engine }) => this.#modelOf(name, engine))
  }

  close(): Promise<void> {
    return this.#models.close()
  }

  async #use(name: string, { owner, signal }: Asker): Promise<Use<Engine>> {
    const { pool } = this.#models
    try {
      return await pool.use(name, signal, owner)
    } catch (error) {
      signal.throwIfAborted()
      throw poolFault(name, error, { isClosed: pool.closed, retryMs: pool.retryMs(name) })
    }
  }

  #nameOf(asked: string | undefined): string {
    const found = this.#named(asked) ?? this.#named(untagged(asked ?? ''))
    if (found !== undefined) return found
    const copied = this.#copies.get(untagged(asked ?? ''))
    if (copied !== undefined) return copied
    const { aliases, anyModel } = this.#options
    if (anyModel || (asked !== undefined && areNames(aliases, asked))) return this.#models.default
    throw modelNotFound(`${asked}`, this.#allNames())
  }

  #named(asked: string | undefined): string | undefined {
    return this.#models.nameOf(asked) ?? this.#models.withAdapter(asked)
  }

  #namesOf(name: string): [string, ...string[]] {
    const copies = [...this.#copies].filter(([, of]) => of === name).map(([copy]) => copy)
    const own = [...this.#models.aliasesOf(name), ...copies]
    if (name !== this.#models.default) return modelNames(name, own)
    return modelNames(name, [...own, ...this.#options.aliases, defaultName])
  }

  #entry(name: string): ModelEntry {
    const { state } = this.#models.pool.status(name)
    const known = this.#models.known(name)
    const adapters = this.#models.adaptersOf(name)
    return { names: this.#namesOf(name), adapters, created: this.#created, state, known }
  }

  #modelOf(name: string, engine: Engine): LoadedModel {
    const made = this.#loaded.get(engine) ?? loadedModel(engine, this.#namesOf(name))
    this.#loaded.set(engine, made)
    return made
  }
}
