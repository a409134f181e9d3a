import type { Service } from '../apis/api.js'
import { openAi } from '../apis/openai/api.js'
import { guarded } from '../engine/callbacks.js'
import type { Engine } from '../engine/engine.js'
import type { ReplyTally } from '../engine/reply.js'
import { surface } from '../engine/surface.js'
import { wrong } from '../options/checks.js'
import type { AccessEntry } from '../web/access-log.js'
import type { Call } from '../web/call.js'
import { type ErrorWords, HttpError } from '../web/errors.js'
import type { Models } from '../web/models.js'
import { ToldNotes } from '../web/notes.js'
import { BodyBudget, TextBudget } from './door/body.js'
import { Keys } from './door/keys.js'
import { engineFault, type Telling, warnOfEngine } from './engine-fault.js'
import { faultText, warnOfFault } from './fault.js'
import { Metrics } from './metrics/metrics.js'
import { hostedModels } from './models.js'
import { isEngine, type ListenerSettings } from './options.js'

/**
 * Text of /tokenize that may wait for the tokenizer at once: it works through 0.5 to 2.5 MiB a
 * second, and every prompt passes through it as well.
 */
const textBytesMax = 2 * 1024 * 1024
/** Bodies of the largest size that may be in memory at once. */
const largestBodies = 8

/** What all calls of one listener share. */
export class App implements Service {
  readonly settings: ListenerSettings
  readonly keys: Keys
  /** How errors are told where a request has no words of its own. */
  readonly errorWords: ErrorWords = openAi.errorWords
  readonly inFlight = new Set<Call>()
  readonly metrics = new Metrics()
  readonly texts: TextBudget
  /** Bytes of large bodies, from where they are read until their call ends. */
  readonly bodies: BodyBudget
  readonly toldNotes = new ToldNotes()
  readonly #log: (entry: AccessEntry) => void
  #models: Models | undefined
  /** What the engine's promise was rejected with. */
  #loadFailure: { readonly error: unknown } | undefined
  #isDraining = false
  #onIdle: (() => void) | undefined

  constructor(settings: ListenerSettings) {
    this.settings = settings
    this.keys = new Keys(settings.apiKeys)
    this.texts = new TextBudget(Math.min(textBytesMax, 2 * settings.bodyBytesMax))
    this.bodies = new BodyBudget(largestBodies * settings.bodyBytesMax)
    // Where a response closes, nothing would catch what it throws.
    this.#log = guarded('onLog', settings.onLog ?? warnOfFault, faultText)
    if (isEngine(settings.engine)) this.#serve(settings.engine)
    else void this.#awaitEngine(settings.engine)
  }

  get isDraining(): boolean {
    return this.#isDraining
  }

  /**
   * The models, or the 503 that says why there are none: still loading, never loaded, ended by
   * itself, or on the way out.
   */
  models(telling: Telling = 'whole'): Models {
    if (this.#isDraining) throw shuttingDown()
    if (this.#loadFailure !== undefined) throw engineFault(this.#loadFailure.error, telling)
    if (this.#models === undefined) {
      throw new HttpError('loading', 'The model is still loading; try again in a moment.')
    }
    const { engine } = this.#models
    if (engine.failure !== undefined) throw engineFault(engine.failure, telling)
    if (engine.closed) throw shuttingDown()
    return this.#models
  }

  enter(call: Call): void {
    this.inFlight.add(call)
  }

  /** A request has ended, whoever answered it. */
  tell(entry: AccessEntry, replies: readonly ReplyTally[] = []): void {
    try {
      this.metrics.observe(entry, replies)
    } catch (error) {
      surface(error) // the log hears of it all the same
    }
    this.#log(entry)
  }

  leave(call: Call): void {
    this.inFlight.delete(call)
    if (this.inFlight.size === 0) this.#onIdle?.()
  }

  /**
   * Refuses new requests from now on. Resolves once none is in flight; at `signal` those that
   * still are get an error and end.
   */
  drain(signal: AbortSignal): Promise<void> {
    this.#isDraining = true
    const endRest = () => {
      const failure = this.#models?.engine.failure
      const reason = failure === undefined ? shuttingDown() : engineFault(failure)
      for (const call of this.inFlight) call.abort(reason)
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

  async #awaitEngine(engine: Promise<Engine>): Promise<void> {
    try {
      const loaded: unknown = await engine
      if (!isEngine(loaded)) throw wrong('engine', 'the promise of an engine', loaded)
      this.#serve(loaded)
    } catch (error) {
      this.#neverLoaded(error)
    }
  }

  /** At once: a request may come in the turn in which the listener is made. */
  #serve(engine: Engine): void {
    try {
      this.#models = hostedModels(engine, this.settings)
      this.metrics.serve(engine)
    } catch (error) {
      this.#neverLoaded(error)
      return
    }
    void this.#awaitEnd(engine)
  }

  async #awaitEnd(engine: Engine): Promise<void> {
    const failure = await engine.ended
    if (failure !== undefined) this.#tellOfEngine(failure)
  }

  #neverLoaded(error: unknown): void {
    this.#loadFailure = { error }
    this.#tellOfEngine(error)
  }

  #tellOfEngine(error: unknown): void {
    guarded('onEngineError', this.settings.onEngineError ?? warnOfEngine)(error)
  }
}

function shuttingDown(): HttpError {
  return new HttpError('shutting_down', 'The server is shutting down and takes no new requests.')
}
