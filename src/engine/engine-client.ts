import {
  ClosedError,
  EngineEndedError,
  EngineFailedError,
  OverloadedError,
  type SluiceError,
} from '../api/errors.js'
import type { LoadWarning } from '../api/placement-types.js'
import type { EngineStats } from '../api/types.js'
import type {
  EngineCommand,
  EngineEvent,
  EnginePort,
  NativeEmbeddingRequest,
  NativeEstimate,
  NativeFailed,
  NativeFinished,
  NativeModelInfo,
  NativePart,
  NativeRequest,
  NativeTexts,
  RequestCount,
  RequestPhase,
  RestartStats,
} from '../binding/engine-port.js'
import { adaptersInUse, adaptersOf } from './adapters-in-use.js'
import { engineEnded, errorOf, inOwnNames } from './native-errors.js'
import { forgetOpen, rememberOpen } from './open-engines.js'
import { hasPlace } from './queue/places.js'
import { type TextAsker, TextJobs } from './queue/text-jobs.js'
import { slotsOf } from './slots.js'
import { surface } from './surface.js'

/**
 * What one request, such as a choice of a reply, hears from the engine, in this order, and one of
 * the last three, once. What a request never hears, its listener may leave out.
 */
export interface RequestListener {
  onAccepted?(promptTokens: number): void
  onText?(text: string, tokens: number): void
  /** In place of onText, of replies that have more than text. */
  onPart?(part: NativePart): void
  onFinished?(event: NativeFinished): void
  onEmbedded?(values: Float32Array, promptTokens: number): void
  onError(error: SluiceError): void
}

export interface ClientListener {
  onProgress(fraction: number): void
  onReady(model: NativeModelInfo): void
  /** In the place of onReady, where the options only ask for an estimate. */
  onEstimated(estimate: NativeEstimate): void
  onLoadFailed(error: SluiceError): void
  /** Something went wrong that no request fails for. */
  onWarning?(warning: LoadWarning): void
  /** The last. With why, where the engine ended by itself. */
  onClosed(failure: EngineEndedError | undefined): void
}

/** As in EngineSettings. */
interface ClientLimits {
  readonly parallel: number
  readonly queue: number
  readonly window: number
  readonly queueDeadlineMs: number
}

/** What each kind of work on a text is answered with. */
interface TextAnswers {
  tokenize: Int32Array
  detokenize: string
  pieces: Uint8Array[]
  'apply-template': string
  'tokenize-chat': Int32Array
}

/** A request that the engine has. */
interface Live {
  readonly listener: RequestListener
  /** Places of its LoRA adapters. */
  readonly adapters: readonly number[]
  readonly owner: string
  /** Its events are not wanted any more. */
  isCancelled: boolean
  /** Something of its reply has come. */
  hasBegun: boolean
  /** Tokens that came and were not credited. */
  unread: number
  /** Of them, those that the reader took: credited together once they are half a window. */
  taken: number
}

/**
 * The one client of an engine, for all its requests: admits them, gives each its events, and counts
 * how they end. Keeps the event loop alive only while something is waited for.
 *
 * A request counts as in flight until it is cancelled or its end is heard, whichever comes first.
 * So a caller that hears of an end, or cancels, may ask again at once. How a request ended is
 * settled here: one that is cancelled before its end is heard ends as `cancelled` and is counted
 * so, whatever end it had come to meanwhile. No count ever contradicts an event.
 */
export class EngineClient {
  readonly #port: EnginePort
  readonly #listener: ClientListener
  readonly #window: number
  readonly #inFlightMax: number
  readonly #queue: number
  readonly #requests = new Map<number, Live>()
  readonly #texts: TextJobs
  readonly #counts: Record<RequestCount, number> = {
    started: 0,
    finished: 0,
    cancelled: 0,
    failed: 0,
    cancelledQueued: 0,
    cancelledPrefill: 0,
    cancelledDecode: 0,
    cancelledParked: 0,
  }
  /** Requests in flight of each owner that has some. */
  readonly #owned = new Map<string, number>()
  /** Of #requests, those that are cancelled: the engine is about to drop them. */
  #leaving = 0
  #nextId = 1
  #refs = 0
  #state: 'open' | 'closing' | 'closed' = 'open'
  #failure: EngineEndedError | undefined
  /** A listener may ask for stats(). */
  #isDraining = false

  /**
   * @param open makes the engine, which calls `wake` when there is something to drain
   * @throws EngineFailedError where `open` throws
   */
  constructor(
    open: (wake: () => void) => EnginePort,
    limits: ClientLimits,
    listener: ClientListener,
  ) {
    this.#listener = listener
    this.#window = limits.window
    this.#inFlightMax = limits.parallel + limits.queue
    this.#queue = limits.queue
    this.#texts = new TextJobs(limits.queueDeadlineMs, (id) => this.#port.cancel(id))
    try {
      // Out of the addon's callback first: what is thrown inside it is swallowed.
      this.#port = open(() => setImmediate(() => this.#drain()))
    } catch (cause) {
      throw new EngineFailedError(`the engine could not be started: ${String(cause)}`, { cause })
    }
    rememberOpen(this)
    this.#ref() // until ready or closed
  }

  get closed(): boolean {
    return this.#state !== 'open'
  }

  /** Why the engine ended by itself; undefined while it has not. */
  get failure(): EngineEndedError | undefined {
    return this.#failure
  }

  /**
   * Returns the first choice's id; the others' follow it. All are taken in or none. Throws
   * OverloadedError, and ClosedError or EngineEndedError once the engine takes no more.
   */
  submit(request: Omit<NativeRequest, 'id'>, listenerOf: (choice: number) => RequestListener) {
    const { choices, owner } = request
    const command = (id: number): EngineCommand => ({ ...request, kind: 'generate', id })
    return this.#start({ count: choices, owner }, command, listenerOf)
  }

  /** As submit(), for texts that become vectors. */
  embed({ inputs, owner }: Omit<NativeEmbeddingRequest, 'id'>, listener: RequestListener): number {
    return this.#start(
      { count: 1, owner },
      (id) => ({ kind: 'embed', id, inputs, owner }),
      () => listener,
    )
  }

  /**
   * The reader took this many tokens. The engine hears of them by the half window, so that a
   * crossing is not one per token; a reader that has taken all is never more than that behind.
   */
  credit(id: number, tokens: number): void {
    const request = this.#requests.get(id)
    if (request === undefined || request.isCancelled || this.#state !== 'open') return
    request.taken += tokens
    if (request.taken * 2 < this.#window) return
    this.#port.credit(id, request.taken) // first: where it throws, they are credited next time
    this.#countUnread(request, -request.taken)
    request.taken = 0
  }

  /** Its end will be `cancelled`. Of no effect once it has ended, and twice. */
  cancel(id: number): void {
    const request = this.#requests.get(id)
    if (request === undefined || request.isCancelled || this.#state === 'closed') return
    this.#countUnread(request, -request.unread) // its end is waited for
    request.isCancelled = true
    this.#leaving++
    this.#disown(request.owner)
    this.#port.cancel(id)
  }

  /**
   * Work on a text. Rejects with OverloadedError, QueueTimeoutError, CancelledError by the signal,
   * as the engine says, and as submit() throws.
   */
  async text<Kind extends keyof TextAnswers>(
    kind: Kind,
    job: Omit<Extract<EngineCommand, { kind: Kind }>, 'kind' | 'id'>,
    asker: TextAsker = {},
  ): Promise<TextAnswers[Kind]> {
    this.#assertOpen()
    const id = this.#nextId++
    this.#ref()
    try {
      const start = () => this.#port.post({ ...job, kind, id } as unknown as EngineCommand)
      return await this.#texts.ask<TextAnswers[Kind]>(id, start, asker)
    } finally {
      this.#unref()
    }
  }

  /**
   * A request without a slot is queued: for a slot, or for its end to be heard. Ends that have come
   * are heard first.
   */
  stats(): EngineStats {
    this.#drain()
    const snapshot = this.#port.snapshot()
    const queued = this.#requests.size - snapshot.running - snapshot.parked
    const slots = slotsOf(snapshot.slots)
    const adapters = adaptersInUse(this.#requests, slots)
    const counts = { ...this.#counts, ...adapters, slots, queued: Math.max(0, queued) }
    return { ...neverRestarted, ...snapshot, ...counts }
  }

  /** The requests of an owner that have no slot and had none, and how many slots are free. */
  queueOf(owner: string): { queued: number; free: number } {
    const slots = slotsOf(this.#port.snapshot().slots)
    const running = new Set(slots.map((slot) => slot?.request))
    const isQueued = ([id, one]: [number, Live]) => {
      return one.owner === owner && !one.isCancelled && !one.hasBegun && !running.has(id)
    }
    const queued = [...this.#requests].filter(isQueued).length
    return { queued, free: slots.filter((slot) => slot === null).length }
  }

  /** `onClosed` tells when it is done. Twice is safe. */
  close(): void {
    if (this.#state !== 'open') return
    this.#state = 'closing'
    this.#ref()
    this.#texts.rejectAll(closedMeanwhile)
    this.#port.post({ kind: 'close' })
  }

  /** Ends the engine at once, for process exit, without events. */
  terminate(): void {
    this.#state = 'closed'
    this.#port.end()
  }

  #start(
    { count, owner }: { readonly count: number; readonly owner: string },
    command: (id: number) => EngineCommand,
    listenerOf: (choice: number) => RequestListener,
  ): number {
    this.#assertOpen()
    this.#assertRoom(count, owner)
    const id = this.#nextId
    this.#nextId += count // first: where post() throws, events of these ids may still come
    const posted = command(id)
    this.#port.post(posted)
    const adapters = adaptersOf(posted)
    this.#counts.started += count
    this.#owned.set(owner, (this.#owned.get(owner) ?? 0) + count)
    for (let choice = 0; choice < count; choice++) {
      const listener = listenerOf(choice)
      this.#requests.set(id + choice, { listener, adapters, owner, ...freshLive })
      this.#ref()
    }
    return id
  }

  #assertOpen(): void {
    if (this.#failure !== undefined) throw ownCopy(this.#failure)
    if (this.#state !== 'open') {
      throw new ClosedError('the engine is closed; load() another one')
    }
  }

  /**
   * Cancelled requests make room at once, though the engine drops them only in its next step. At
   * most as many again may wait for that, so that a fast caller cannot fill the memory.
   */
  #assertRoom(count: number, owner: string): void {
    const taken = this.#requests.size - this.#leaving + count - 1
    const ofOwner = this.#owned.get(owner) ?? 0
    const fits = hasPlace({ taken, ofOwner, max: this.#inFlightMax, queue: this.#queue })
    if (fits && this.#requests.size + count <= 2 * this.#inFlightMax) return
    throw new OverloadedError('the queue is full; try again later, or raise parallel or queue')
  }

  #disown(owner: string): void {
    const left = (this.#owned.get(owner) ?? 0) - 1
    if (left > 0) this.#owned.set(owner, left)
    else this.#owned.delete(owner)
  }

  #ref(): void {
    if (this.#refs++ === 0) this.#port.ref()
  }

  #unref(): void {
    if (--this.#refs === 0) this.#port.unref()
  }

  #drain(): void {
    if (this.#state === 'closed' || this.#isDraining) return
    this.#isDraining = true
    try {
      for (const event of this.#port.drain()) this.#handleAlone(event)
    } finally {
      this.#isDraining = false
    }
  }

  #handleAlone(event: EngineEvent): void {
    try {
      this.#handle(event)
    } catch (error) {
      surface(error) // the others get their events
    }
  }

  #handle(event: EngineEvent): void {
    switch (event.kind) {
      case 'texts':
        this.#handleTexts(event)
        break
      case 'part':
        this.#handlePart(event)
        break
      case 'accepted':
        this.#requests.get(event.id)?.listener.onAccepted?.(event.promptTokens)
        break
      case 'finished':
        this.#handleFinished(event)
        break
      case 'embedded':
        this.#handleEmbedded(event)
        break
      case 'error':
        this.#handleError(event)
        break
      case 'deferred':
        this.#texts.defer(event.id)
        break
      case 'tokens':
        this.#texts.resolve(event.id, event.tokens)
        break
      case 'text-made':
        this.#texts.resolve(event.id, event.text)
        break
      case 'pieces':
        this.#texts.resolve(event.id, event.pieces)
        break
      default:
        this.#handleLife(event)
    }
  }

  #handleTexts(event: NativeTexts): void {
    for (let i = 0; i < event.ids.length; i++) {
      try {
        this.#handleText(event, i)
      } catch (error) {
        surface(error)
      }
    }
  }

  #handleText(event: NativeTexts, at: number): void {
    const request = this.#requests.get(event.ids[at] as number)
    if (request === undefined) return
    const tokens = event.tokens[at] as number
    this.#countUnread(request, tokens)
    request.listener.onText?.(event.texts[at] as string, tokens)
  }

  #handlePart(part: NativePart): void {
    const request = this.#requests.get(part.id)
    if (request === undefined) return
    this.#countUnread(request, part.tokens)
    request.listener.onPart?.(part)
  }

  #handleFinished(event: NativeFinished): void {
    const { id, phase } = event
    const request = this.#leave(id, 'finished', phase)
    request?.listener.onFinished?.(request.isCancelled ? asCancelled(event) : event)
  }

  #handleEmbedded({ id, values, promptTokens }: EngineEvent & { kind: 'embedded' }): void {
    const request = this.#leave(id, 'finished', 'prefill')
    if (request?.isCancelled) request.listener.onFinished?.(cancelledWithout(id, 'prefill'))
    else request?.listener.onEmbedded?.(values, promptTokens)
  }

  /** An id is of a request or of a text job. */
  #handleError(event: NativeFailed): void {
    const error = this.#errorOf(event)
    this.#fail(event.id, error, event.phase)
    this.#texts.reject(event.id, error)
  }

  /** All that ends with the engine is told the same cause. */
  #errorOf(event: NativeFailed): SluiceError {
    const isEnd = event.code === 'ERR_ENGINE_ENDED' && this.#failure !== undefined
    return isEnd ? this.#endError() : errorOf(event)
  }

  #handleLife(event: EngineEvent): void {
    if (event.kind === 'progress') this.#listener.onProgress(event.fraction)
    if (event.kind === 'estimated') {
      this.#unref()
      this.#listener.onEstimated(inOwnNames(event))
    }
    if (event.kind === 'load-failed') this.#listener.onLoadFailed(errorOf(event))
    if (event.kind === 'ready') {
      this.#unref()
      this.#listener.onReady(inOwnNames(event))
    }
    if (event.kind === 'warning') {
      this.#listener.onWarning?.({ code: event.code, message: event.message })
    }
    if (event.kind === 'ended') this.#endsByItself(engineEnded(event))
    if (event.kind === 'closed') this.#end()
  }

  /** A parked reply waits for its reader, so it is not what keeps the process alive. */
  #countUnread(request: Live, tokens: number): void {
    if (request.isCancelled) return // its end is waited for, whatever still comes
    if (tokens > 0) request.hasBegun = true
    const wasParked = request.unread >= this.#window
    request.unread += tokens
    const isParked = request.unread >= this.#window
    if (isParked && !wasParked) this.#unref()
    if (wasParked && !isParked) this.#ref()
  }

  /** It is in flight no more, and counted. */
  #leave(id: number, how: 'finished' | 'failed', phase: RequestPhase): Live | undefined {
    const request = this.#requests.get(id)
    if (request === undefined) return undefined
    this.#countUnread(request, -request.unread)
    this.#requests.delete(id)
    this.#unref()
    if (request.isCancelled) this.#leaving--
    else this.#disown(request.owner)
    const outcome = request.isCancelled ? 'cancelled' : how
    this.#counts[outcome]++
    if (outcome === 'cancelled') this.#counts[cancelledIn[phase]]++
    return request
  }

  #fail(id: number, error: SluiceError, phase: RequestPhase): void {
    const request = this.#leave(id, 'failed', phase)
    if (request?.isCancelled) request.listener.onFinished?.(cancelledWithout(id, phase))
    else request?.listener.onError(error)
  }

  /** Nothing more is taken. Each request in flight gets its end; 'closed' follows. */
  #endsByItself(failure: EngineEndedError): void {
    this.#failure = failure
    if (this.#state === 'open') this.#ref()
    this.#state = 'closing'
    this.#texts.rejectAll(() => this.#endError())
  }

  /** What ends with the engine gets an error of its own, whose stack says where it was asked. */
  #endError(): ClosedError | EngineEndedError {
    return this.#failure === undefined ? closedMeanwhile() : ownCopy(this.#failure)
  }

  /** Requests that are left had no end: the engine had no memory for its event, or it came late. */
  #end(): void {
    this.#state = 'closed'
    this.#port.end() // its threads are done: this only joins them
    forgetOpen(this)
    for (const id of [...this.#requests.keys()]) {
      try {
        this.#fail(id, this.#endError(), 'queued')
      } catch (thrown) {
        surface(thrown)
      }
    }
    this.#texts.rejectAll(() => this.#endError())
    this.#listener.onClosed(this.#failure)
  }
}

const freshLive = { isCancelled: false, hasBegun: false, unread: 0, taken: 0 }

/** What an engine of this process says of restarts. */
const neverRestarted: RestartStats = {
  isRestarting: false,
  restartsCrashed: 0,
  restartsStalled: 0,
  restartsFailed: 0,
}

const cancelledIn = {
  queued: 'cancelledQueued',
  prefill: 'cancelledPrefill',
  decode: 'cancelledDecode',
  parked: 'cancelledParked',
} as const

/** It was cancelled before its end was heard: what would have ended it did not. */
function asCancelled({ stopString: _, ...event }: NativeFinished): NativeFinished {
  return { ...event, finishReason: 'cancelled' }
}

/** Of one that had come to another end, which has no tally, or to none. */
export function cancelledWithout(id: number, phase: RequestPhase): NativeFinished {
  const tokens = { promptTokens: 0, cachedTokens: 0, completionTokens: 0 }
  const drafts = { draftTokens: 0, draftAcceptedTokens: 0 }
  const times = { queueMs: 0, prefillMs: 0, decodeMs: 0, parkedMs: 0 }
  const end = { kind: 'finished', finishReason: 'cancelled' } as const
  return { ...end, id, phase, ...tokens, ...drafts, ...times }
}

/** An error has one stack, and each caller its own. */
function ownCopy({ message, cause }: EngineEndedError): EngineEndedError {
  return new EngineEndedError(message, { cause })
}

function closedMeanwhile(): ClosedError {
  return new ClosedError('the engine was closed before this was done')
}
