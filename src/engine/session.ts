import {
  ClosedError,
  type EngineEndedError,
  EngineFailedError,
  OverloadedError,
  type SluiceError,
} from '../api/errors.js'
import type {
  NativeAddon,
  NativeChat,
  NativeEmbeddingRequest,
  NativeEngine,
  NativeEngineOptions,
  NativeEstimate,
  NativeEvent,
  NativeModelInfo,
  NativePart,
  NativeRequest,
  NativeStats,
  NativeTexts,
} from '../binding/native.js'
import { engineEnded, errorOf } from './native-errors.js'
import { forgetOpen, rememberOpen } from './open-engines.js'
import { surface } from './surface.js'
import { TextJobs, type TextResult } from './text-jobs.js'

type Finished = Extract<NativeEvent, { kind: 'finished' }>

/**
 * What one request, a choice of a reply, hears from the engine, in this order, and at most one of
 * the last two.
 */
export interface ReplyListener {
  onAccepted(promptTokens: number): void
  onText(text: string, tokens: number): void
  /** In place of onText, of replies that have more than text. */
  onPart(part: NativePart): void
  onFinished(event: Finished): void
  onError(error: SluiceError): void
}

export interface SessionListener {
  onProgress(fraction: number): void
  onReady(model: NativeModelInfo): void
  /** In the place of onReady, where the options only ask for an estimate. */
  onEstimated(estimate: NativeEstimate): void
  onLoadFailed(error: SluiceError): void
  /** The last. With why, where the engine ended by itself. */
  onClosed(failure: EngineEndedError | undefined): void
}

interface LiveReply {
  readonly listener: ReplyListener
  /** Tokens that came and were not credited. */
  unread: number
  /** Of them, those that the reader took: credited together once they are half a window. */
  taken: number
}

/** What a request that embeds hears: one of these, once. */
interface EmbeddingListener {
  onEmbedded(values: Float32Array, promptTokens: number): void
  onError(error: SluiceError): void
}

/**
 * One native engine and everybody who waits for something from it. Keeps the event loop alive
 * only while somebody does.
 */
export class Session {
  readonly #native: NativeEngine
  readonly #listener: SessionListener
  readonly #window: number
  readonly #replies = new Map<number, LiveReply>()
  readonly #embeddings = new Map<number, EmbeddingListener>()
  readonly #texts: TextJobs
  #nextId = 1
  #holds = 0
  #state: 'open' | 'closing' | 'closed' = 'open'
  #failure: EngineEndedError | undefined
  #isDraining = false

  /** @throws EngineFailedError where the system has no thread for it */
  constructor(addon: NativeAddon, options: NativeEngineOptions, listener: SessionListener) {
    this.#listener = listener
    this.#window = options.window
    this.#texts = new TextJobs(options.queueDeadlineMs, (id) => this.#native.cancel(id))
    try {
      // Out of the addon's callback first: what is thrown inside it is swallowed.
      this.#native = new addon.Engine(options, () => setImmediate(() => this.#drain()))
    } catch (cause) {
      throw new EngineFailedError(`the engine could not be started: ${String(cause)}`, { cause })
    }
    rememberOpen(this)
    this.#hold() // until ready or closed
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
  submit(request: Omit<NativeRequest, 'id'>, listenerOf: (choice: number) => ReplyListener) {
    this.#assertOpen()
    const id = this.#nextId
    if (!this.#native.submit({ ...request, id })) throw queueFull()
    this.#nextId += request.choices
    for (let choice = 0; choice < request.choices; choice++) {
      this.#replies.set(id + choice, { listener: listenerOf(choice), unread: 0, taken: 0 })
      this.#hold()
    }
    return id
  }

  /** As submit(), for texts that become vectors. */
  embed(inputs: NativeEmbeddingRequest['inputs'], listener: EmbeddingListener): number {
    this.#assertOpen()
    const id = this.#nextId++
    if (!this.#native.embed({ id, inputs })) throw queueFull()
    this.#embeddings.set(id, listener)
    this.#hold()
    return id
  }

  /** Whoever embeds hears nothing more: its inputs that were not computed will not be. */
  forgetEmbedding(id: number): void {
    if (this.#settleEmbedding(id) !== undefined) this.#native.cancel(id)
  }

  /**
   * The reader took this many tokens. The engine hears of them by the half window, so that a
   * crossing is not one per token; a reader that has taken all is never more than that behind.
   */
  credit(id: number, tokens: number): void {
    const reply = this.#replies.get(id)
    if (reply === undefined || this.#state !== 'open') return
    reply.taken += tokens
    if (reply.taken * 2 < this.#window) return
    this.#countUnread(reply, -reply.taken)
    this.#native.credit(id, reply.taken)
    reply.taken = 0
  }

  cancel(id: number): void {
    const reply = this.#replies.get(id)
    if (reply === undefined || this.#state === 'closed') return
    this.#countUnread(reply, -reply.unread) // its end is waited for
    reply.taken = 0
    this.#native.cancel(id)
  }

  tokenize(
    text: string,
    options: { addSpecial: boolean; parseSpecial: boolean; signal?: AbortSignal | undefined },
  ): Promise<Int32Array> {
    const { addSpecial, parseSpecial, signal } = options
    const start = (id: number) => this.#native.tokenize(id, text, addSpecial, parseSpecial)
    return this.#textJob(start, signal)
  }

  detokenize(tokens: Int32Array, signal?: AbortSignal): Promise<string> {
    return this.#textJob((id) => this.#native.detokenize(id, tokens), signal)
  }

  pieces(tokens: Int32Array, signal?: AbortSignal): Promise<Buffer[]> {
    return this.#textJob((id) => this.#native.pieces(id, tokens), signal)
  }

  applyTemplate(chat: NativeChat, signal?: AbortSignal): Promise<string> {
    return this.#textJob((id) => this.#native.applyTemplate(id, chat), signal)
  }

  tokenizeChat(chat: NativeChat, signal?: AbortSignal): Promise<Int32Array> {
    return this.#textJob((id) => this.#native.tokenizeChat(id, chat), signal)
  }

  /** An end is counted once it is heard, so those that wait to be heard are heard first. */
  stats(): NativeStats {
    this.#drain()
    return this.#native.stats()
  }

  /** `onClosed` tells when it is done. Twice is safe. */
  close(): void {
    if (this.#state !== 'open') return
    this.#state = 'closing'
    this.#hold()
    this.#texts.rejectAll(closedMeanwhile())
    this.#native.close()
  }

  /** Ends the engine's threads at once, for process exit; nobody hears of it. */
  terminate(): void {
    this.#state = 'closed'
    this.#native.terminate()
  }

  async #textJob<Result extends TextResult>(start: (id: number) => void, signal?: AbortSignal) {
    this.#assertOpen()
    const id = this.#nextId++
    this.#hold()
    try {
      return await this.#texts.ask<Result>(id, () => start(id), signal)
    } finally {
      this.#release()
    }
  }

  #assertOpen(): void {
    if (this.#failure !== undefined) throw this.#failure
    if (this.#state !== 'open') {
      throw new ClosedError('the engine is closed; load() another one')
    }
  }

  #hold(): void {
    if (this.#holds++ === 0) this.#native.ref()
  }

  #release(): void {
    if (--this.#holds === 0) this.#native.unref()
  }

  #drain(): void {
    if (this.#state === 'closed' || this.#isDraining) return
    this.#isDraining = true
    try {
      for (const event of this.#native.drain()) this.#handleAlone(event)
    } finally {
      this.#isDraining = false
    }
  }

  #handleAlone(event: NativeEvent): void {
    try {
      this.#handle(event)
    } catch (error) {
      surface(error) // the others get their events
    }
  }

  #handle(event: NativeEvent): void {
    switch (event.kind) {
      case 'texts':
        this.#handleTexts(event)
        break
      case 'part':
        this.#handlePart(event)
        break
      case 'accepted':
        this.#replies.get(event.id)?.listener.onAccepted(event.promptTokens)
        break
      case 'finished':
        this.#leave(event.id)?.onFinished(event)
        break
      case 'embedded':
        this.#settleEmbedding(event.id)?.onEmbedded(event.values, event.promptTokens)
        break
      case 'error':
        this.#handleError(event.id, this.#errorOf(event))
        break
      case 'set-aside':
        this.#texts.setAside(event.id)
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

  /** An id is of one of the three. */
  #handleError(id: number, error: SluiceError): void {
    this.#leave(id)?.onError(error)
    this.#settleEmbedding(id)?.onError(error)
    this.#texts.reject(id, error)
  }

  /** All that ends with the engine is told the same error, which has the cause. */
  #errorOf(event: Extract<NativeEvent, { kind: 'error' }>): SluiceError {
    if (event.code === 'ERR_ENGINE_ENDED' && this.#failure !== undefined) return this.#failure
    return errorOf(event)
  }

  #handleText(event: NativeTexts, at: number): void {
    const reply = this.#replies.get(event.ids[at] as number)
    if (reply === undefined) return
    const tokens = event.tokens[at] as number
    this.#countUnread(reply, tokens)
    reply.listener.onText(event.texts[at] as string, tokens)
  }

  #handlePart(part: NativePart): void {
    const reply = this.#replies.get(part.id)
    if (reply === undefined) return
    this.#countUnread(reply, part.tokens)
    reply.listener.onPart(part)
  }

  /** A parked reply waits for its reader, so it is not what keeps the process alive. */
  #countUnread(reply: LiveReply, tokens: number): void {
    const wasParked = reply.unread >= this.#window
    reply.unread += tokens
    const isParked = reply.unread >= this.#window
    if (isParked && !wasParked) this.#release()
    if (wasParked && !isParked) this.#hold()
  }

  #handleLife(event: NativeEvent): void {
    if (event.kind === 'progress') this.#listener.onProgress(event.fraction)
    if (event.kind === 'estimated') {
      this.#release()
      this.#listener.onEstimated(event)
    }
    if (event.kind === 'load-failed') this.#listener.onLoadFailed(errorOf(event))
    if (event.kind === 'ready') {
      this.#release()
      this.#listener.onReady(event)
    }
    if (event.kind === 'ended') this.#endsByItself(engineEnded(event))
    if (event.kind === 'closed') this.#end()
  }

  #leave(id: number): ReplyListener | undefined {
    const reply = this.#replies.get(id)
    if (reply === undefined) return undefined
    this.#countUnread(reply, -reply.unread)
    this.#replies.delete(id)
    this.#release()
    return reply.listener
  }

  #settleEmbedding(id: number): EmbeddingListener | undefined {
    const listener = this.#embeddings.get(id)
    if (this.#embeddings.delete(id)) this.#release()
    return listener
  }

  /** Nothing more is taken. Whoever waits is told one by one; 'closed' follows. */
  #endsByItself(failure: EngineEndedError): void {
    this.#failure = failure
    if (this.#state === 'open') this.#hold()
    this.#state = 'closing'
    this.#texts.rejectAll(failure)
  }

  #end(): void {
    this.#state = 'closed'
    this.#native.terminate() // its thread is done: this only joins it
    forgetOpen(this)
    const error = this.#failure ?? closedMeanwhile()
    const waiting = [
      ...[...this.#replies.values()].map(({ listener }) => listener),
      ...this.#embeddings.values(),
    ]
    this.#replies.clear()
    this.#embeddings.clear()
    for (const listener of waiting) {
      try {
        listener.onError(error)
      } catch (thrown) {
        surface(thrown)
      }
    }
    this.#texts.rejectAll(error)
    this.#listener.onClosed(this.#failure)
  }
}

function closedMeanwhile(): ClosedError {
  return new ClosedError('the engine was closed before this was done')
}

function queueFull(): OverloadedError {
  return new OverloadedError('the queue is full; try again later, or raise parallel or queue')
}
