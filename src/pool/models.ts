import type { EngineCrash } from '../api/isolation-types.js'
import type {
  KnownModel,
  ModelEvent,
  ModelStatus,
  ModelsOptions,
  PooledModelOptions,
} from '../api/models-types.js'
import type { LoadWarning } from '../api/placement-types.js'
import { embeddedModel } from '../binding/embedded-model.js'
import { atCaller, fromCaller } from '../engine/call-site.js'
import { guarded } from '../engine/callbacks.js'
import type { Engine } from '../engine/engine.js'
import { freeBytes } from '../engine/machine.js'
import { loadBinding } from '../engine/native-options.js'
import { tellWarning } from '../engine/warnings.js'
import { isObject, noOptions } from '../options/checks.js'
import { defaultName, parseModelsOptions, parseUseOptions } from '../options/models-options.js'
import { GgufSource } from './gguf-source.js'
import { ModelPool } from './pool.js'

const mebibyte = 2 ** 20
/** As `load` has it for one model. */
const cacheMiBMax = 2048

/** Who is told of the models' engines. */
interface Told {
  readonly warn: ((warning: LoadWarning, model: string) => void) | undefined
  readonly onEvent: (event: ModelEvent) => void
}

/**
 * Several models, each loaded when it is first used, one at a time. When one needs memory, those
 * that nobody uses go, the least recently used first. A model that is used is never unloaded.
 * `memoryMiB` is what all may take together. Throws InvalidOptionError.
 *
 * In the place of an engine it is what `createServer`, `requestListener` and `fetchHandler` serve.
 *
 * @example
 * ```js
 * import { embeddedModel, models } from 'sluice'
 *
 * const pool = models({
 *   models: { tales: { model: embeddedModel }, short: { model: embeddedModel, context: 256 } },
 *   memoryMiB: 512,
 * })
 * const text = await pool.use('tales', (engine) => engine.complete('Once').text())
 * console.log(text, pool.list().map(({ name, state }) => `${name} ${state}`))
 * await pool.close()
 * ```
 */
export function models(options: ModelsOptions): Models {
  return atCaller(() => new Models(parseModelsOptions(options)))
}

/** Made by models(). Close it when done: engines hold their memory until then. */
export class Models implements AsyncDisposable {
  /** The one that `default`, or no name, stands for. */
  readonly default: string
  /** Milliseconds without a use after which a model is unloaded; 0 is never. */
  readonly idleUnloadMs: number
  /** @internal */
  readonly pool: ModelPool<Engine>
  readonly #sources: Map<string, GgufSource>
  /** A model's other names, by its own. */
  readonly #aliases: Map<string, readonly string[]>
  readonly #ofAdded: PooledModelOptions
  readonly #sourceOf: (name: string, options: PooledModelOptions) => GgufSource

  /** The names of a model's adapters, by its own. */
  readonly #adapters: ReadonlyMap<string, readonly string[]>

  /** @internal */
  constructor(options: ModelsOptions) {
    const entries = Object.entries(options.models)
    this.default = options.default ?? (entries[0]?.[0] as string)
    this.#aliases = new Map(entries.map(([name, { aliases = [] }]) => [name, aliases]))
    this.#adapters = new Map(entries.map(([name, { lora = {} }]) => [name, Object.keys(lora)]))
    const budgetBytes = budgetOf(options)
    const cacheMiB = Math.floor(budgetBytes / 8 / entries.length / mebibyte)
    const share = { budgetBytes, cacheMiB: Math.min(cacheMiB, cacheMiBMax) }
    const warn = options.onWarning && guarded('onWarning', options.onWarning)
    const onEvent = guarded('onEvent', options.onEvent ?? warnOfFailure)
    this.#ofAdded = options.added ?? {}
    this.#sourceOf = (name, own) => sourceOf(name, own, share, { warn, onEvent })
    const sources = entries.map(([name, own]) => this.#sourceOf(name, own))
    this.#sources = new Map(sources.map((source) => [source.name, source]))
    this.idleUnloadMs = options.idleUnloadMs ?? 0
    this.pool = new ModelPool(sources, { budgetBytes, idleMs: this.idleUnloadMs, onEvent })
  }

  /** The models' names, in the order in which they were given. */
  get names(): readonly string[] {
    return [...this.#sources.keys()]
  }

  /** MiB that all loaded models may take together. */
  get memoryMiB(): number {
    return Math.floor(this.pool.budgetBytes / mebibyte)
  }

  get closed(): boolean {
    return this.pool.closed
  }

  /**
   * Calls `run` with the model's engine, which is loaded first where it is not, and is not unloaded
   * before what `run` returns has settled: await replies within. `name` may be an alias, `default`
   * or undefined. Rejects as `run` does; with ERR_MODEL_NOT_FOUND for a name that is not there; as
   * `load` where the model cannot be loaded; with ERR_OVERLOADED or ERR_QUEUE_TIMEOUT where
   * too many wait for it, or for too long; and with ERR_CLOSED, or the signal's reason.
   */
  async use<T>(
    name: string | undefined,
    run: (engine: Engine) => T | Promise<T>,
    options: { signal?: AbortSignal } = {},
  ): Promise<T> {
    const { engine, release } = await fromCaller(() => {
      const { signal } = parseUseOptions(options)
      return this.pool.use(this.nameOf(name) ?? `${name}`, signal)
    })
    try {
      return await run(engine)
    } finally {
      release()
    }
  }

  /**
   * Loads a model ahead of its use, also where that failed a moment ago. Waits for its turn for as
   * long as that takes. Otherwise rejects as use() does.
   */
  async load(name: string, options: { signal?: AbortSignal } = {}): Promise<void> {
    return fromCaller(() => {
      const { signal } = parseUseOptions(options)
      return this.pool.load(this.nameOf(name) ?? name, signal)
    })
  }

  /**
   * Unloads a model, once nobody uses it. A load under way is given up, with ERR_CLOSED for who
   * waits. Resolves once its memory is free; at once where it is not loaded.
   */
  async unload(name: string): Promise<void> {
    return fromCaller(() => this.pool.unload(this.nameOf(name) ?? name))
  }

  /** Each model, as it is now. */
  list(): ModelStatus[] {
    return this.pool.list()
  }

  /** What is known of a model; undefined where it was neither loaded nor looked at. */
  known(name: string): KnownModel | undefined {
    return this.#sources.get(this.nameOf(name) ?? name)?.known
  }

  /** The other names of a model, by its own. */
  aliasesOf(name: string): readonly string[] {
    return this.#aliases.get(name) ?? []
  }

  /** The names of a model's LoRA adapters, by its own. */
  adaptersOf(name: string): readonly string[] {
    return this.#adapters.get(name) ?? []
  }

  /** The own name of the model that has an adapter of this name; undefined where there is none. */
  withAdapter(adapter: string | undefined): string | undefined {
    return this.names.find((one) => this.adaptersOf(one).includes(adapter ?? ''))
  }

  /** A model's own name, by any of its names; undefined where there is none of that name. */
  nameOf(name: string | undefined): string | undefined {
    if (name === undefined || name === '' || name === defaultName) return this.default
    if (this.#sources.has(name)) return name
    return this.names.find((one) => this.aliasesOf(one).includes(name))
  }

  /**
   * One more model, which takes what is kept for each of the others. None of its names may be
   * another's.
   * @internal
   */
  add(name: string, { aliases = [], ...options }: PooledModelOptions): void {
    const source = this.#sourceOf(name, { ...this.#ofAdded, ...options })
    this.pool.add(source)
    this.#sources.set(name, source)
    this.#aliases.set(name, aliases)
  }

  /**
   * Takes one away that was added. Resolves once its memory is free, with whether another model
   * has a file of it.
   * @internal
   */
  async remove(name: string): Promise<boolean> {
    const source = this.#sources.get(name)
    this.#sources.delete(name)
    this.#aliases.delete(name)
    await this.pool.remove(name)
    const own = (await source?.files()) ?? []
    const others = await Promise.all([...this.#sources.values()].map((one) => one.files()))
    return others.flat().some((file) => own.includes(file))
  }

  /** Closes every engine, used or not, and ends what waits. Resolves once all memory is free. */
  async close(...none: []): Promise<void> {
    noOptions(none)
    return this.pool.close()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}

/** Also one of another copy of the package. */
export function isModels(value: unknown): value is Models {
  if (!isObject(value)) return false
  const { pool, names, use, nameOf } = value as Partial<Models>
  return (
    isObject(pool) &&
    Array.isArray(names) &&
    [use, nameOf].every((one) => typeof one === 'function')
  )
}

function budgetOf({ memoryMiB }: ModelsOptions): number {
  if (memoryMiB !== undefined) return memoryMiB * mebibyte
  return Math.floor(freeBytes(loadBinding()) * 0.9)
}

function sourceOf(
  name: string,
  options: PooledModelOptions,
  share: ConstructorParameters<typeof GgufSource>[2],
  { warn, onEvent }: Told,
): GgufSource {
  const onWarning = (warning: LoadWarning) => {
    if (warn === undefined) tellWarning(warning, undefined)
    else warn(warning, name)
  }
  const onCrash = (crash: EngineCrash) => onEvent({ kind: 'crashed', model: name, crash })
  return new GgufSource(name, { model: embeddedModel, ...options }, share, { onWarning, onCrash })
}

function warnOfFailure(event: ModelEvent): void {
  if (event.kind !== 'failed' && event.kind !== 'crashed') return
  const { model, kind } = event
  const why = kind === 'failed' ? `failed: ${event.error}` : `crashed: ${event.crash.message}`
  process.emitWarning(`the model '${model}' ${why}`, {
    type: 'SluiceWarning',
    code: 'SLUICE_MODEL',
  })
}
