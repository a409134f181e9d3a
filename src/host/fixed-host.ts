import type { Engine } from '../engine/engine.js'
import { isObject, wrong } from '../options/checks.js'
import { defaultName } from '../options/models-options.js'
import { HttpError } from '../web/errors.js'
import { engineFault, shuttingDown, type Telling } from './engine-fault.js'
import { alreadyLoaded, checkNeed, loadedModel } from './loaded-model.js'
import type { Lease, LoadedModel, ModelEntry, ModelHost, Need } from './model-host.js'
import {
  areNames,
  checkAdapterNames,
  checkCopied,
  checkFree,
  isOfStart,
  modelNames,
  modelNotFound,
  untagged,
} from './names.js'

interface FixedHostOptions {
  /** Names beside the file's own and `default`. */
  readonly aliases: readonly string[]
  /** Whether the model answers to any other name as well. */
  readonly anyModel: boolean
  /** Called once where there will be no engine any more: it did not load, or ended by itself. */
  readonly onFailure: (error: unknown) => void
}

/** The host of one engine, or of the promise of one. */
export function fixedHost(engine: Engine | Promise<Engine>, options: FixedHostOptions): ModelHost {
  return new FixedHost(engine, options)
}

class FixedHost implements ModelHost {
  readonly ready: Promise<void>
  readonly #options: FixedHostOptions
  readonly #created = Math.floor(Date.now() / 1000)
  #model: LoadedModel | undefined
  /** Names that requests have given it. */
  readonly #copies = new Set<string>()
  /** What the engine's promise was rejected with. */
  #loadFailure: { readonly error: unknown } | undefined

  constructor(engine: Engine | Promise<Engine>, options: FixedHostOptions) {
    this.#options = options
    if (isEngine(engine)) this.#hostable(engine) // so that its owner is told at once
    this.ready = this.#open(engine)
    this.ready.catch(() => undefined) // onFailure is told
  }

  check(telling: Telling = 'whole'): void {
    this.#served(telling)
  }

  get isRestarting(): boolean {
    return this.#model?.engine.stats().isRestarting ?? false
  }

  entries(): readonly ModelEntry[] {
    return [this.#entry(this.#served())]
  }

  find(name: string | undefined): ModelEntry {
    return this.#entry(this.#found(name))
  }

  async lease(name: string | undefined, need: Need): Promise<Lease> {
    const model = this.#found(name)
    checkNeed(model.names[0], model.model, need)
    return { model, release: () => undefined }
  }

  load(name: string | undefined): void {
    throw alreadyLoaded(this.#found(name))
  }

  unload(name: string | undefined): void {
    this.#found(name)
    throw new HttpError('invalid_request', "This server's model stays as long as the server.")
  }

  keep(name: string | undefined): boolean {
    this.#found(name)
    return false
  }

  idleAt(): undefined {
    return undefined
  }

  copy(name: string | undefined, further: string): void {
    const { names, adapters } = this.#found(name)
    checkCopied(name, adapters, further)
    checkFree(further, [...names, ...adapters], this.#copies.size)
    this.#copies.add(further)
    this.#rename([...names, further])
  }

  checkAdd(): never {
    const message =
      'This server serves one model, beside which no other can be pulled; give several to it: ' +
      'NAME=FILE, or a config file.'
    throw new HttpError('not_supported', message)
  }

  add(): void {
    this.checkAdd()
  }

  async remove(name: string): Promise<void> {
    const { names } = this.#found(name)
    const copied = untagged(name)
    if (!this.#copies.delete(copied)) throw isOfStart(names[0])
    this.#rename(names.filter((one) => one !== copied))
  }

  #rename(names: string[]): void {
    if (this.#model === undefined) return
    this.#model = { ...this.#model, names: names as [string, ...string[]] }
  }

  numbers(): undefined {
    return undefined
  }

  loaded(): readonly LoadedModel[] {
    return this.#model === undefined ? [] : [this.#model]
  }

  async close(): Promise<void> {
    await this.#model?.engine.close()
  }

  async #open(engine: Engine | Promise<Engine>): Promise<void> {
    try {
      // At once where it is there: a request may come in the turn in which the host is made.
      const loaded = isEngine(engine) ? engine : await promised(engine)
      this.#model = this.#hostable(loaded)
    } catch (error) {
      this.#loadFailure = { error }
      this.#options.onFailure(error)
      throw error
    }
    void this.#awaitEnd(this.#model.engine)
  }

  /** @throws InvalidOptionError where one of its names stands for two things */
  #hostable(engine: Engine): LoadedModel {
    const names = modelNames(engine.model.id, [...this.#options.aliases, defaultName])
    const model = loadedModel(engine, names)
    checkAdapterNames(names, model.adapters)
    return model
  }

  async #awaitEnd(engine: Engine): Promise<void> {
    const failure = await engine.ended
    if (failure !== undefined) this.#options.onFailure(failure)
  }

  #found(name: string | undefined): LoadedModel {
    const model = this.#served()
    const { names, adapters } = model
    const all = [...names, ...adapters]
    if (this.#options.anyModel || !name || areNames(all, name)) return model
    throw modelNotFound(name, all)
  }

  #entry({ names, adapters, model, settings: { context } }: LoadedModel): ModelEntry {
    return { names, adapters, created: this.#created, state: 'loaded', known: { model, context } }
  }

  #served(telling: Telling = 'whole'): LoadedModel {
    if (this.#loadFailure !== undefined) throw engineFault(this.#loadFailure.error, telling)
    if (this.#model === undefined) {
      throw new HttpError('loading', 'The model is still loading; try again in a moment.')
    }
    const { engine } = this.#model
    if (engine.failure !== undefined) throw engineFault(engine.failure, telling)
    if (engine.closed) throw shuttingDown()
    return this.#model
  }
}

/** Also one of another copy of the package. */
export function isEngine(value: unknown): value is Engine {
  if (!isObject(value)) return false
  const { model, settings, chat, stats } = value as Partial<Engine>
  return (
    typeof model === 'object' &&
    typeof settings === 'object' &&
    typeof chat === 'function' &&
    typeof stats === 'function'
  )
}

async function promised(engine: Promise<Engine>): Promise<Engine> {
  const loaded: unknown = await engine
  if (isEngine(loaded)) return loaded
  throw wrong('engine', 'the promise of an engine', loaded)
}
