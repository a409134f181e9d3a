import type { ModelInUse, ResponseStore, Service } from '../apis/api.js'
import { MemoryResponseStore } from '../apis/openai/responses/store.js'
import { guarded } from '../engine/callbacks.js'
import { surface } from '../engine/surface.js'
import { engineFault, shuttingDown, type Telling } from '../host/engine-fault.js'
import { adaptedFingerprint } from '../host/loaded-model.js'
import type { LoadedModel, ModelHost, Need } from '../host/model-host.js'
import { nameOfReply, untagged } from '../host/names.js'
import type { AccessEntry } from '../web/access-log.js'
import type { Call, ModelUsage } from '../web/call.js'
import type { EarlyStream } from '../web/early.js'
import type { ErrorWords, HttpError } from '../web/errors.js'
import { ToldNotes } from '../web/notes.js'
import { AdapterDefaults } from './adapter-defaults.js'
import { apis } from './apis.js'
import { BodyBudget, TextBudget } from './door/body.js'
import { KeyUse } from './door/key-use.js'
import { Keys } from './door/keys.js'
import { faultText, warnOfFault } from './fault.js'
import { Metrics } from './metrics/metrics.js'
import type { ListenerSettings } from './options.js'

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
  readonly keyUse: KeyUse<Call>
  /** How errors are told where a request has no words of its own. */
  readonly errorWords: ErrorWords = apis[0].errorWords
  readonly inFlight = new Set<Call>()
  readonly host: ModelHost
  readonly metrics: Metrics
  readonly texts: TextBudget
  readonly responses: ResponseStore | undefined
  readonly adapters = new AdapterDefaults()
  /** Bytes of large bodies, from where they are read until their call ends. */
  readonly bodies: BodyBudget
  readonly #toldNotes = new ToldNotes()
  readonly #log: (entry: AccessEntry) => void
  #isDraining = false
  #onIdle: (() => void) | undefined

  constructor(settings: ListenerSettings, host: ModelHost) {
    this.settings = settings
    this.host = host
    this.metrics = new Metrics(host, settings.metricsNames)
    this.keys = new Keys(settings.apiKeys, settings.keyLimits)
    this.keyUse = new KeyUse({
      queues: (owner) => host.loaded().map(({ engine }) => engine.queueOf(owner)),
    })
    this.texts = new TextBudget(Math.min(textBytesMax, 2 * settings.bodyBytesMax))
    this.bodies = new BodyBudget(largestBodies * settings.bodyBytesMax)
    const { responseStore: responsesMax, responseStoreBytes: bytesMax } = settings
    this.responses =
      responsesMax === 0 ? undefined : new MemoryResponseStore({ responsesMax, bytesMax })
    // Where a response closes, nothing would catch what it throws.
    this.#log = guarded('onLog', settings.onLog ?? warnOfFault, faultText)
  }

  get isDraining(): boolean {
    return this.#isDraining
  }

  /** Throws the 503 that says why no request is served: the host's reason, or a drain. */
  checkServing(telling?: Telling): void {
    if (this.#isDraining) throw shuttingDown()
    this.host.check(telling)
  }

  async lease(
    call: Call,
    asked: string | undefined,
    need: Need,
    early?: EarlyStream,
  ): Promise<ModelInUse> {
    const lease = this.host.lease(asked, need, call)
    const { model, release } = await (early === undefined
      ? lease
      : this.#inTime(lease, call, early))
    const lora = this.#adaptersOf(asked, model)
    const engine = call.use(model, release, lora)
    const base = model.names[0]
    const fingerprint =
      typeof lora === 'object' ? adaptedFingerprint(model.fingerprint, lora) : model.fingerprint
    return { name: nameOfReply(asked, model), base, fingerprint, engine }
  }

  /** What requests get that ask for none: the adapter that they name, or what was set for all. */
  #adaptersOf(asked: string | undefined, { names, adapters }: LoadedModel) {
    const own = [asked, untagged(asked ?? '')].find((one) => adapters.includes(one ?? ''))
    return own ?? this.adapters.of(names[0])
  }

  /** A stream that waits for its model begins after the silence in which it would have a ping. */
  async #inTime<T>(waited: Promise<T>, call: Call, early: EarlyStream): Promise<T> {
    const silence = setTimeout(() => call.onLate?.(early), this.settings.pingMs)
    try {
      return await waited
    } finally {
      clearTimeout(silence)
    }
  }

  enter(call: Call): void {
    this.inFlight.add(call)
  }

  /** A request has ended, by whichever handler. */
  tell(entry: AccessEntry, usage?: ModelUsage): void {
    try {
      this.metrics.observe(entry, usage)
    } catch (error) {
      surface(error) // the log hears of it all the same
    }
    this.#log(entry)
  }

  /**
   * Nothing more of its answer is sent. It stays in flight until its tokens are counted.
   * @param status what was sent; 0 for nothing
   */
  leave(call: Call, status: number): void {
    if (call.isCounted) this.#leave(call, status)
    else void call.counted().then(() => this.#leave(call, status))
  }

  #leave(call: Call, status: number): void {
    this.inFlight.delete(call)
    this.keyUse.leave(call)
    call.release()
    if (this.inFlight.size === 0) this.#onIdle?.()
    const notes = this.#toldNotes.places(call.notes)
    const entry = call.entry(status)
    this.tell(notes.length === 0 ? entry : { ...entry, notes }, call.usage())
  }

  /**
   * Refuses new requests from now on. Resolves once none is in flight; at `signal` those that
   * still are get an error and end.
   */
  drain(signal: AbortSignal): Promise<void> {
    this.#isDraining = true
    const endRest = () => {
      for (const call of this.inFlight) call.abort(this.#reasonToEnd(call))
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

  /** Why its engine ended, or any where it has none yet; else the drain. */
  #reasonToEnd(call: Call): HttpError {
    const engines = call.engine ? [call.engine] : this.host.loaded().map(({ engine }) => engine)
    const failed = engines.find(({ failure }) => failure !== undefined)
    return failed === undefined ? shuttingDown() : engineFault(failed.failure)
  }
}
