import type { Engine } from '../engine/engine.js'
import { defaultName } from '../options/models-options.js'
import type { Models } from '../pool/models.js'
import type { Use } from '../pool/pool.js'
import { HttpError } from '../web/errors.js'
import { poolFault, shuttingDown } from './engine-fault.js'
import { alreadyLoaded, checkNeed, loadedModel } from './loaded-model.js'
import type { HostNumbers, Lease, LoadedModel, ModelEntry, ModelHost, Need } from './model-host.js'
import { modelNames, modelNotFound } from './names.js'

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
  readonly #loaded = new WeakMap<Engine, LoadedModel>()
  /** Models whose load was asked for by itself, until it has come or failed. */
  readonly #asked = new Set<string>()

  constructor(models: Models, options: PoolHostOptions) {
    this.#models = models
    this.#options = options
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

  async lease(asked: string | undefined, need: Need, signal: AbortSignal): Promise<Lease> {
    this.check()
    const name = this.#nameOf(asked)
    // Where that is known: a model is not loaded to say no.
    const known = this.#models.known(name)?.model
    if (known !== undefined) checkNeed(name, known, need)
    const { engine, release } = await this.#use(name, signal)
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

  async #use(name: string, signal: AbortSignal): Promise<Use<Engine>> {
    const { pool } = this.#models
    try {
      return await pool.use(name, signal)
    } catch (error) {
      signal.throwIfAborted()
      throw poolFault(name, error, { isClosed: pool.closed, retryMs: pool.retryMs(name) })
    }
  }

  #nameOf(asked: string | undefined): string {
    const found = this.#models.nameOf(asked)
    if (found !== undefined) return found
    const { aliases, anyModel } = this.#options
    if (anyModel || (asked !== undefined && aliases.includes(asked))) return this.#models.default
    throw modelNotFound(
      `${asked}`,
      this.#models.names.flatMap((name) => this.#namesOf(name)),
    )
  }

  #namesOf(name: string): [string, ...string[]] {
    const own = this.#models.aliasesOf(name)
    if (name !== this.#models.default) return modelNames(name, own)
    return modelNames(name, [...own, ...this.#options.aliases, defaultName])
  }

  #entry(name: string): ModelEntry {
    const { state } = this.#models.pool.status(name)
    const known = this.#models.known(name)
    return { names: this.#namesOf(name), created: this.#created, state, known }
  }

  #modelOf(name: string, engine: Engine): LoadedModel {
    const made = this.#loaded.get(engine) ?? loadedModel(engine, this.#namesOf(name))
    this.#loaded.set(engine, made)
    return made
  }
}
