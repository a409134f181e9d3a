import { wrong } from '../config/checks.js'
import type { Engine } from '../engine/engine.js'
import { ApiError } from '../openai/errors.js'
import type { Exchange } from './exchange.js'
import { Keys } from './keys.js'
import { Metrics } from './metrics/metrics.js'
import { hostedModels, type Models } from './models.js'
import { isEngine, type ListenerSettings } from './options.js'
import { TextBudget } from './text-budget.js'

/** As many of the largest texts as may wait for the tokenizer at once. */
const bodiesOfText = 2

/** What all exchanges of one listener share. */
export class App {
  readonly settings: ListenerSettings
  readonly keys: Keys
  readonly inFlight = new Set<Exchange>()
  readonly metrics = new Metrics()
  readonly texts: TextBudget
  #models: Models | undefined
  #loadError: unknown
  #isDraining = false
  #onIdle: (() => void) | undefined

  constructor(settings: ListenerSettings) {
    this.settings = settings
    this.keys = new Keys(settings.apiKeys)
    this.texts = new TextBudget(bodiesOfText * settings.bodyBytesMax)
    void this.#awaitEngine(settings.engine)
  }

  get isDraining(): boolean {
    return this.#isDraining
  }

  /** The models, or the 503 that says why there are none: still loading, or on the way out. */
  models(): Models {
    if (this.#isDraining || this.#models?.engine.closed === true) throw shuttingDown()
    if (this.#models !== undefined) return this.#models
    if (this.#loadError === undefined) {
      throw new ApiError('loading', 'The model is still loading; try again in a moment.')
    }
    throw new ApiError('engine_failed', 'The model could not be loaded; see what the server says.')
  }

  enter(exchange: Exchange): void {
    this.inFlight.add(exchange)
  }

  leave(exchange: Exchange): void {
    this.inFlight.delete(exchange)
    if (this.inFlight.size === 0) this.#onIdle?.()
  }

  /**
   * Refuses new requests from now on. Resolves once none is in flight; at `signal` those that
   * still are get an error and end.
   */
  drain(signal: AbortSignal): Promise<void> {
    this.#isDraining = true
    const endRest = () => {
      for (const exchange of this.inFlight) exchange.abort(shuttingDown())
    }
    if (signal.aborted) endRest()
    else signal.addEventListener('abort', endRest, { once: true })
    return new Promise((resolve) => {
      this.#onIdle = () => {
        signal.removeEventListener('abort', endRest)
        resolve()
      }
      if (this.inFlight.size === 0) this.#onIdle()
    })
  }

  async #awaitEngine(engine: Engine | Promise<Engine>): Promise<void> {
    try {
      const loaded: unknown = await engine
      if (!isEngine(loaded)) throw wrong('engine', 'the promise of an engine', loaded)
      this.#models = hostedModels(loaded, this.settings.aliases)
      this.metrics.serve(this.#models.engine)
    } catch (error) {
      this.#loadError = error
    }
  }
}

function shuttingDown(): ApiError {
  return new ApiError('shutting_down', 'The server is shutting down and takes no new requests.')
}
