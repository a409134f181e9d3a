import { createHash } from 'node:crypto'
import type { EngineSettings, ModelInfo } from '../api/types.js'
import { binding } from '../binding/binding.js'
import type { Engine } from '../engine/engine.js'
import { isObject, wrong } from '../options/checks.js'
import { HttpError } from '../web/errors.js'
import { engineFault, shuttingDown, type Telling } from './engine-fault.js'
import type { Lease, LoadedModel, ModelEntry, ModelHost, Need } from './model-host.js'
import { modelNames, modelNotFound } from './names.js'

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
  #model: LoadedModel | undefined
  /** What the engine's promise was rejected with. */
  #loadFailure: { readonly error: unknown } | undefined

  constructor(engine: Engine | Promise<Engine>, options: FixedHostOptions) {
    this.#options = options
    this.ready = this.#open(engine)
    this.ready.catch(() => undefined) // onFailure is told
  }

  check(telling: Telling = 'whole'): void {
    this.#served(telling)
  }

  entries(): readonly ModelEntry[] {
    return [this.#served()]
  }

  find(name: string | undefined): LoadedModel {
    const model = this.#served()
    const { names } = model
    if (this.#options.anyModel || !name || names.includes(name)) return model
    throw modelNotFound(name, names)
  }

  async lease(name: string | undefined, need: Need): Promise<Lease> {
    const model = this.find(name)
    checkNeed(model, need)
    return { model, release: () => undefined }
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
      this.#model = served(isEngine(engine) ? engine : await promised(engine), this.#options)
    } catch (error) {
      this.#loadFailure = { error }
      this.#options.onFailure(error)
      throw error
    }
    void this.#awaitEnd(this.#model.engine)
  }

  async #awaitEnd(engine: Engine): Promise<void> {
    const failure = await engine.ended
    if (failure !== undefined) this.#options.onFailure(failure)
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

function served(engine: Engine, { aliases }: FixedHostOptions): LoadedModel {
  const { model, settings } = engine
  return {
    names: modelNames(model, aliases),
    created: Math.floor(Date.now() / 1000),
    model,
    settings,
    engine,
    fingerprint: systemFingerprint(model, settings, binding().llamaCppVersion),
  }
}

/** Changes when the same seed may give another text: other weights, engine or KV cache. */
export function systemFingerprint(
  model: ModelInfo,
  settings: Pick<EngineSettings, 'context' | 'kvType' | 'gpu' | 'gpuLayers'>,
  engineVersion: string,
): string {
  const { id, name, description, parameters, bytes } = model
  const { context, kvType, gpu, gpuLayers } = settings
  const place = gpu === false ? [] : [gpu, gpuLayers]
  const own = [id, name, description, parameters, bytes]
  const parts = [...own, context, kvType, engineVersion, ...place]
  const digest = createHash('sha256').update(JSON.stringify(parts)).digest('hex')
  return `fp_${digest.slice(0, 10)}`
}

/** Throws a 400 where a model is asked for what it does not do. */
function checkNeed({ names, model }: ModelEntry, need: Need): void {
  const does = abilityOf(model)
  if (need === 'tokens' || need === does) return
  const message = `The model '${names[0]}' ${abilityWords[does]}`
  throw new HttpError('invalid_request', message, { field: 'model' })
}

/** What a model does, and where it is asked for that. */
const abilityWords = {
  text: 'writes text, and neither embeds nor ranks; serve a model that is made for that.',
  embeddings: 'embeds, and neither writes text nor ranks; ask it at /v1/embeddings.',
  ranks: 'ranks documents, and neither writes text nor embeds; ask it at /v1/rerank.',
}

function abilityOf({ embedding }: ModelEntry['model']): keyof typeof abilityWords {
  if (embedding === undefined) return 'text'
  return embedding.pooling === 'rank' ? 'ranks' : 'embeddings'
}
