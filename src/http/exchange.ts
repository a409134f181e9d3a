import { setMaxListeners } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { RequestNote } from '../api/types.js'
import type { Engine } from '../engine/engine.js'
import type { Reply } from '../engine/reply.js'
import { type ApiError, type ErrorKind, toApiError } from '../openai/errors.js'
import { inTheirWords } from '../openai/words.js'
import type { AccessEntry } from './access-log.js'
import { joinConnection } from './connection.js'
import { notesHeader } from './notes.js'
import { watchReader } from './reader-watch.js'
import { requestIdOf } from './request-id.js'
import { sendJson } from './respond.js'
import { type Scope, ScopedEngine } from './scoped-engine.js'
import type { SseWriter } from './sse-writer.js'
import { plainPath, targetOf } from './target.js'

/** The reason of an exchange's signal when its client has left: nobody is there to be told. */
class ClientGone extends Error {
  constructor() {
    super('the client has left')
    this.name = 'ClientGone'
  }
}

/** The reason of an exchange's signal once it has ended: what it asked and did not use is left. */
class ExchangeEnded extends Error {
  constructor() {
    super('the exchange has ended')
    this.name = 'ExchangeEnded'
  }
}

/** Failures that are no request's fault: what was thrown is told to the log. */
const ofTheServer: readonly (ErrorKind | undefined)[] = ['internal', 'load_failed', 'engine_ended']

/** After these the connection cannot go on: what would come next on it is not known. */
const endsConnection = new Set<ErrorKind>([
  'request_timeout',
  'header_size',
  'expectation',
  'http_version',
])

/** How long the engine's count of an ended exchange's tokens is waited for. */
const countMs = 1000

/**
 * One request and its response. Owned by the listener that made it, until the response closes.
 *
 * Its signal is the one way in which work for it ends early: the client left, the engine stands
 * still, the server shuts down, or an error was thrown beside it. It is aborted at the end in any
 * case. Until then its reason is a ClientGone or the ApiError to send.
 */
export class Exchange implements Scope {
  readonly req: IncomingMessage
  readonly res: ServerResponse
  readonly requestId: string
  /** The pattern of its route, once there is one. */
  route: string | undefined
  /** Digest of the request's key, where each key's prompts share among themselves only. */
  isolatedKey: Buffer | undefined
  /** Set while a reply is streamed: how an error is told then. */
  stream: SseWriter | undefined
  /** The request's field that holds the prompt: what is blamed where the engine cannot take it. */
  promptField = 'messages'
  /** What of the request was taken otherwise than it says. */
  readonly notes: RequestNote[] = []
  /** What the request calls fields that have another name here; see src/openai/words.ts. */
  fieldNames: ReadonlyMap<string, string> = new Map()
  /** All that it asked of an engine. */
  readonly replies: Reply[] = []
  #embeddedTokens: number | undefined
  readonly #abort = new AbortController()
  readonly #startedAt = performance.now()
  /** Until its end; what the engine counts after that is no time of its. */
  #durationMs: number | undefined
  readonly #onClose: (exchange: Exchange) => void
  #failure: ApiError | undefined
  #isSent = false
  #isClosed = false

  constructor(
    req: IncomingMessage,
    res: ServerResponse,
    options: { readerStallMs: number; onClose: (exchange: Exchange) => void },
  ) {
    this.req = req
    this.res = res
    this.requestId = requestIdOf(req)
    setMaxListeners(0, this.signal) // each of its replies listens
    this.#onClose = options.onClose
    if (!res.headersSent) res.setHeader('x-request-id', this.requestId)
    const leave = joinConnection(this)
    const rest = watchReader(req.socket, options.readerStallMs, () => this.reset())
    // 'finish' also comes when a connection is torn down with bytes still waiting.
    res.once('finish', () => {
      this.#isSent = !req.socket.destroyed
    })
    res.once('close', () => {
      rest()
      this.closed()
      leave() // what waits for the connection comes after
    })
  }

  get signal(): AbortSignal {
    return this.#abort.signal
  }

  /** The request's path, without its query string, in its plain form. */
  get path(): string {
    return plainPath(targetOf(this.req).path)
  }

  abort(reason: ApiError): void {
    this.#abort.abort(reason)
  }

  /** Its handler is through: whatever it asked for and left behind is cancelled. */
  end(): void {
    this.#abort.abort(new ExchangeEnded())
  }

  /** An engine whose answers end with this exchange. */
  scope(engine: Engine): ScopedEngine {
    return new ScopedEngine(engine, this)
  }

  own(reply: Reply): void {
    this.replies.push(reply)
  }

  /** What of the request was taken otherwise than it says: a header, while there may be one. */
  note(notes: readonly RequestNote[]): void {
    for (const note of notes) this.notes.push(note) // there may be more than arguments of a call
    if (this.notes.length === 0 || this.res.headersSent) return
    this.res.setHeader('x-sluice-notes', notesHeader(this.notes))
  }

  ownPrompt(tokens: number): void {
    this.#embeddedTokens = tokens
  }

  /** The connection ended, or the response did. May be called twice. */
  closed(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#durationMs = performance.now() - this.#startedAt
    if (!this.#isSent) this.#abort.abort(new ClientGone())
    this.#onClose(this)
  }

  /** For a reader that takes nothing: the kernel shall let go of its bytes too. */
  reset(): void {
    this.req.socket.resetAndDestroy()
  }

  json(status: number, value: unknown): void {
    sendJson(this, status, value)
  }

  /** Answers with what went wrong, as the wire stands: a status, or a frame and the end. */
  fail(thrown: unknown): void {
    const reason: unknown = this.signal.aborted ? this.signal.reason : thrown
    if (reason instanceof ClientGone || this.req.socket.destroyed) return
    const error = inTheirWords(toApiError(reason, this.promptField), this.fieldNames)
    this.#failure = error
    try {
      this.#tell(error)
    } catch {
      this.reset() // `error` is in the log; what kept it from the client is no more than that
    }
  }

  #tell(error: ApiError): void {
    const { res } = this
    if (!res.headersSent) this.#sendError(error)
    else if (res.writableEnded)
      return // the whole answer is on its way
    else if (this.stream !== undefined) this.stream.fail(error)
    else this.reset() // half a body cannot be told from a whole one
  }

  #sendError(error: ApiError): void {
    const { status, retryAfterSeconds } = error
    if (retryAfterSeconds !== undefined) this.res.setHeader('retry-after', retryAfterSeconds)
    if (status === 401) this.res.setHeader('www-authenticate', 'Bearer')
    if (endsConnection.has(error.kind)) this.res.setHeader('connection', 'close')
    sendJson(this, status, error.body())
  }

  /**
   * Whether all tokens are counted. Of an engine that stands still, what came from it is all that
   * will be known.
   */
  get isCounted(): boolean {
    return this.#failure?.kind === 'engine_stalled' || this.replies.every((one) => one.isSettled)
  }

  /** Resolves once they are, or after a while. */
  async counted(): Promise<void> {
    const all = Promise.all(this.replies.map((reply) => reply.settled))
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, countMs)
    })
    await Promise.race([all, late])
    clearTimeout(timer)
  }

  /** Once it is counted. */
  entry(): AccessEntry {
    const { res } = this
    const error = this.#failure
    const accepted = this.replies
      .map(({ tally }) => tally)
      .filter(({ promptTokens }) => promptTokens !== undefined)
    const completionTokens = accepted
      .flatMap(({ choices }) => choices)
      .reduce((sum, choice) => sum + choice.completionTokens, 0)
    const promptTokens = accepted.reduce((sum, one) => sum + (one.promptTokens ?? 0), 0)
    const isNone = accepted.length === 0
    return {
      requestId: this.requestId,
      method: this.req.method ?? '',
      route: this.route,
      status: res.headersSent ? res.statusCode : 0,
      outcome: this.#outcome(),
      code: error?.code ?? undefined,
      durationMs: this.#durationMs ?? performance.now() - this.#startedAt,
      promptTokens: isNone ? this.#embeddedTokens : promptTokens,
      completionTokens: isNone ? undefined : completionTokens,
      error: ofTheServer.includes(error?.kind) ? error?.cause : undefined,
    }
  }

  #outcome(): AccessEntry['outcome'] {
    if (this.#failure !== undefined) return 'failed'
    return this.#isSent ? 'done' : 'gone'
  }
}
