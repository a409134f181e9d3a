import { createHash, randomUUID } from 'node:crypto'
import { setMaxListeners } from 'node:events'
import type { EngineStats, RequestNote, RequestOptions } from '../api/types.js'
import type { Engine } from '../engine/engine.js'
import type { PromptCount } from '../engine/queue/prompt-count.js'
import type { Reply, ReplyTally } from '../engine/reply.js'
import { SmallSet } from '../engine/small-set.js'
import { surface } from '../engine/surface.js'
import type { AccessEntry } from './access-log.js'
import { type Deadlines, deadlinePassed } from './deadline.js'
import type { EarlyStream } from './early.js'
import { EngineWatch } from './engine-watch.js'
import { type ErrorKind, type ErrorWords, HttpError, httpError } from './errors.js'
import { notesHeader } from './notes.js'
import { type Scope, ScopedEngine } from './scoped-engine.js'
import type { Target } from './target.js'

/** Names in lower case, as Node has them. */
export type CallHeaders = Readonly<Record<string, string | undefined>>

/** A request as its adapter knows it. */
export interface Incoming {
  readonly method: string
  /** What its first line asks for, without what the server's routes are below. */
  readonly target: Target
  readonly headers: CallHeaders
  /** The values of all its Host headers. */
  readonly hosts: readonly string[]
  /** The address of this machine that it came to, where that is known. */
  readonly localAddress: string | undefined
  /** The address that it came from, where that is known, and not what is listened on. */
  readonly remoteAddress: string | undefined
  /** Whether it has an Expect header that this server does not meet. */
  readonly isExpectingMore: boolean
  /** The origin whose pages something in front has let in, as CORS names it: `*` is any. */
  readonly originInFront: string | undefined
  /** Reads its JSON body, or throws what is wrong with that. */
  readBody(signal: AbortSignal): Promise<Uint8Array>
}

/** The client's own x-request-id where it is a plain word, so that traces join; else a new one. */
export function requestIdOf(headers: CallHeaders): string {
  const given = headers['x-request-id']
  if (typeof given === 'string' && /^[A-Za-z0-9._-]{1,64}$/.test(given)) return given
  return newRequestId()
}

export function newRequestId(): string {
  return `req_${randomUUID().replaceAll('-', '')}`
}

/** The reason of a call's signal when its client has left: no answer is sent. */
class ClientGone extends Error {
  constructor() {
    super('the client has left')
    this.name = 'ClientGone'
  }
}

/** The reason of a call's signal once it has ended: what it asked and did not use is left. */
class CallEnded extends Error {
  constructor() {
    super('the call has ended')
    this.name = 'CallEnded'
  }
}

/** Failures that are no request's fault: what was thrown is told to the log. */
const ofTheServer: readonly (ErrorKind | undefined)[] = [
  'internal',
  'load_failed',
  'model_unusable',
  'engine_ended',
]

const none: never[] = []

/** Mostly it stays the only one, and a list that one is pushed into takes room for 17. */
function withOne<T>(list: T[], one: T): T[] {
  if (list.length === 0) return [one]
  list.push(one)
  return list
}

interface UsableModel {
  readonly names: readonly [string, ...string[]]
  readonly engine: Engine
}

/** What a call had of a model. */
export interface ModelUsage {
  /** Its own name. */
  readonly model: string
  readonly replies: readonly ReplyTally[]
}

/** How long the engine's count of an ended call's tokens is waited for. */
const countMs = 1000

/**
 * One request, as handlers see it: nothing of how it came or how its answer goes. Owned by its
 * adapter, until the answer is sent.
 *
 * Its signal is the one way in which work for it ends early: the client left, the engine stands
 * still, the server shuts down, or an error was thrown beside it. It is aborted at the end in any
 * case. Until then its reason is a ClientGone or the HttpError to send.
 */
export class Call implements Scope {
  readonly method: string
  /** Without its query string, in its plain form. */
  readonly path: string
  readonly headers: CallHeaders
  readonly hosts: readonly string[]
  readonly requestId: string
  /** Headers of its answer, whichever that will be. */
  readonly answerHeaders: Record<string, string>
  /** The pattern of its route, once there is one. */
  route: string | undefined
  /** Digest of the request's key, where each key's prompts share among themselves only. */
  isolatedKey: Buffer | undefined
  /** Who has what it leaves on the server: its key's digest, or '' where the server has no keys. */
  owner = ''
  /** What the log calls its key. */
  #keyName: string | undefined
  /** How its client is told what goes wrong. */
  errorWords: ErrorWords
  /**
   * Called where its stream is to begin before its handler has it: a model is waited for. Its
   * dispatcher's.
   */
  onLate: ((early: EarlyStream) => void) | undefined
  /** What of the request was taken otherwise than it says. */
  readonly notes: RequestNote[] = []
  readonly #incoming: Incoming
  #model: UsableModel | undefined
  /** All that it asked of an engine. */
  #replies: Reply[] = none
  #releases: (() => void)[] = none
  /** Of what has no reply. */
  #promptTokens: number[] = none
  #watch: EngineWatch | undefined
  /** What it waits for that is not its engine. */
  readonly #pauses = new SmallSet<Promise<void>>()
  readonly #abort = new AbortController()
  readonly #startedAt = performance.now()
  /** Until its end; what the engine counts after that is no time of its. */
  #durationMs: number | undefined
  #failure: HttpError | undefined
  #isSent = false
  /** Until its deadlines. */
  #timers: NodeJS.Timeout[] = none
  #headersTimer: NodeJS.Timeout | undefined

  /** @param errorWords until its request has words of its own */
  constructor(incoming: Incoming, errorWords: ErrorWords) {
    this.errorWords = errorWords
    const { path, host } = incoming.target
    this.method = incoming.method
    this.path = path
    this.headers = incoming.headers
    this.hosts = host === undefined || incoming.hosts.length > 1 ? incoming.hosts : [host]
    this.#incoming = incoming
    this.requestId = requestIdOf(incoming.headers)
    this.answerHeaders = { 'x-request-id': this.requestId }
    setMaxListeners(0, this.signal) // each of its replies listens
  }

  get signal(): AbortSignal {
    return this.#abort.signal
  }

  /** What its address says behind the path. No part of any log. */
  get query(): URLSearchParams {
    return new URLSearchParams(this.#incoming.target.query)
  }

  get localAddress(): string | undefined {
    return this.#incoming.localAddress
  }

  get remoteAddress(): string | undefined {
    return this.#incoming.remoteAddress
  }

  get isExpectingMore(): boolean {
    return this.#incoming.isExpectingMore
  }

  get originInFront(): string | undefined {
    return this.#incoming.originInFront
  }

  /**
   * The cache_salt of its prompts: a digest where its key's prompts share among themselves only, so
   * that no tenant can give another's; else the one that it gave.
   */
  salt(given: string | undefined): string | undefined {
    if (this.isolatedKey === undefined) return given
    return createHash('sha256')
      .update(this.isolatedKey)
      .update(given ?? '')
      .digest('base64url')
  }

  /** The key that it came with. */
  isOf({ digest, name }: { readonly digest: Buffer; readonly name: string | undefined }): void {
    this.owner = digest.toString('base64url')
    this.#keyName = name
  }

  /** It ends where its answer takes longer than its sender waits. */
  limitTime({ answer, headers }: Deadlines): void {
    const endIn = (ms: number) => {
      const timer = setTimeout(() => this.abort(deadlinePassed(ms)), ms)
      this.#timers = withOne(this.#timers, timer.unref())
      return timer
    }
    if (answer !== undefined) endIn(answer)
    if (headers !== undefined) this.#headersTimer = endIn(headers)
  }

  /** Its answer has begun, so who waits for its headers waits no more. */
  headersAreReady(): void {
    clearTimeout(this.#headersTimer)
  }

  /** Its JSON body, which is read only if this is called. Throws what is wrong with it. */
  body(): Promise<Uint8Array> {
    return this.#incoming.readBody(this.signal)
  }

  abort(reason: HttpError): void {
    this.#abort.abort(reason)
  }

  /** Its answer is sent, or will not be: whatever it asked for and left behind is cancelled. */
  end(): void {
    this.#watch?.stop()
    for (const timer of this.#timers) clearTimeout(timer)
    this.#abort.abort(new CallEnded())
  }

  /** Its models may go: it is counted, or given up. Must be called once it has ended. */
  release(): void {
    const releases = this.#releases
    this.#releases = none
    for (const release of releases) {
      try {
        release()
      } catch (error) {
        surface(error) // the others are released all the same
      }
    }
  }

  /** The engine that it has the use of, once there is one. */
  get engine(): Engine | undefined {
    return this.#model?.engine
  }

  /**
   * A model until its end: what it asks of the engine ends then. `release` is called once its
   * tokens are counted.
   * @param lora the adapters of requests that say nothing of them
   */
  use(model: UsableModel, release: () => void, lora?: RequestOptions['lora']): ScopedEngine {
    if (this.signal.aborted) release()
    this.signal.throwIfAborted()
    this.#model = model
    this.#releases = withOne(this.#releases, release)
    return new ScopedEngine(model.engine, this, lora)
  }

  own(reply: Reply): void {
    this.#replies = withOne(this.#replies, reply)
  }

  ownPrompt(): PromptCount {
    const counts: number[] = withOne(this.#promptTokens, 0)
    const place = counts.length - 1
    this.#promptTokens = counts
    return (tokens) => {
      counts[place] = tokens
    }
  }

  /** From here on it waits for the engine, and ends if that stands still. */
  watch(engine: { stats(): EngineStats }, stallMs: number): void {
    const shared = this.#model?.engine ?? engine // all calls of an engine have one look at it
    this.#watch = new EngineWatch(shared, stallMs, () => this.abort(engineStalled()))
    // A stream that began early may wait for its reader since before there was a model.
    for (const until of this.#pauses) void this.#watch.pause(until)
  }

  /** Waits for the reader; the engine is not watched meanwhile. `until` never rejects. */
  async pause(until: Promise<void>): Promise<void> {
    this.#pauses.add(until)
    await (this.#watch?.pause(until) ?? until)
    this.#pauses.delete(until)
  }

  /** What of the request was taken otherwise than it says: told in a header. */
  note(notes: readonly RequestNote[]): void {
    for (const note of notes) this.notes.push(note) // there may be more than arguments of a call
    if (this.notes.length > 0) this.answerHeaders['x-sluice-notes'] = notesHeader(this.notes)
  }

  /** Takes down that it failed. Returns what its client is told, undefined where that has left. */
  fail(thrown: unknown): HttpError | undefined {
    const reason: unknown = this.signal.aborted ? this.signal.reason : thrown
    if (reason instanceof ClientGone) return undefined
    this.#failure = this.errorWords.named(httpError(reason))
    return this.#failure
  }

  /** The client has its answer, or has left without it. */
  close(isSent: boolean): void {
    this.#isSent = isSent
    this.#durationMs = performance.now() - this.#startedAt
    if (!isSent) this.#abort.abort(new ClientGone())
  }

  /**
   * Whether all tokens are counted. Of an engine that stands still, what came from it is all that
   * will be known.
   */
  get isCounted(): boolean {
    return this.#failure?.kind === 'engine_stalled' || this.#replies.every((one) => one.isSettled)
  }

  /** Resolves once they are, or after a while. */
  async counted(): Promise<void> {
    const all = Promise.all(this.#replies.map((reply) => reply.settled))
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, countMs)
    })
    await Promise.race([all, late])
    clearTimeout(timer)
  }

  /**
   * For the log, once it is counted.
   * @param status what was sent; 0 for nothing
   */
  entry(status: number): AccessEntry {
    const error = this.#failure
    return {
      requestId: this.requestId,
      method: this.method,
      route: this.route,
      status,
      outcome: this.#outcome(),
      code: error?.code,
      durationMs: this.#durationMs ?? performance.now() - this.#startedAt,
      ...this.#tokens(),
      ...(this.#keyName === undefined ? {} : { key: this.#keyName }),
      error: ofTheServer.includes(error?.kind) ? error?.cause : undefined,
    }
  }

  /** Of its prompts and replies together, as far as they are known. */
  get tokens(): number {
    const { promptTokens = 0, completionTokens = 0 } = this.#tokens()
    return promptTokens + completionTokens
  }

  #tokens(): Pick<AccessEntry, 'promptTokens' | 'completionTokens'> {
    const accepted = this.#replies
      .map(({ tally }) => tally)
      .filter(({ promptTokens }) => promptTokens !== undefined)
    const promptTokens = [
      ...accepted.map((one) => one.promptTokens ?? 0),
      ...this.#promptTokens,
    ].reduce((sum, one) => sum + one, 0)
    if (accepted.length === 0) {
      return { promptTokens: promptTokens || undefined, completionTokens: undefined }
    }
    const completionTokens = accepted
      .flatMap(({ choices }) => choices)
      .reduce((sum, choice) => sum + choice.completionTokens, 0)
    return { promptTokens, completionTokens }
  }

  /** For the metrics, once it is counted; undefined where it used no model. */
  usage(): ModelUsage | undefined {
    const model = this.#model?.names[0]
    if (model === undefined) return undefined
    return { model, replies: this.#replies.map(({ tally }) => tally) }
  }

  #outcome(): AccessEntry['outcome'] {
    if (this.#failure !== undefined) return 'failed'
    return this.#isSent ? 'done' : 'gone'
  }
}

function engineStalled(): HttpError {
  return new HttpError('engine_stalled', 'The engine stands still; the reply was given up.')
}
