import { setMaxListeners } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Accepted, ReplyResult } from '../engine/types.js'
import { type ApiError, toApiError } from '../openai/errors.js'
import type { AccessEntry } from './access-log.js'
import { joinConnection } from './connection.js'
import { watchReader } from './reader-watch.js'
import { requestIdOf } from './request-id.js'
import { sendJson } from './respond.js'
import type { SseWriter } from './sse-writer.js'

/** The reason of an exchange's signal when its client has left: nobody is there to be told. */
class ClientGone extends Error {
  constructor() {
    super('the client has left')
    this.name = 'ClientGone'
  }
}

/** What the access log tells beside what the exchange itself knows. */
export interface ExchangeNotes {
  route?: string
  promptTokens?: number
  completionTokens?: number
}

/**
 * One request and its response. Owned by the listener that made it, until the response closes.
 *
 * Its signal is the one way in which work for it ends early: the client left, the engine stands
 * still, or the server shuts down. The signal's reason is a ClientGone or the ApiError to send.
 */
export class Exchange {
  readonly req: IncomingMessage
  readonly res: ServerResponse
  readonly requestId: string
  readonly notes: ExchangeNotes = {}
  /** Digest of the request's key, where each key's prompts share among themselves only. */
  isolatedKey: Buffer | undefined
  /** Set while a reply is streamed: how an error is told then. */
  stream: SseWriter | undefined
  /** The request's field that holds the prompt: what is blamed where the engine cannot take it. */
  promptField = 'messages'
  /** How the replies of this exchange ended, those that did. */
  readonly results: ReplyResult[] = []
  readonly #abort = new AbortController()
  readonly #startedAt = performance.now()
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
    res.setHeader('x-request-id', this.requestId)
    const leave = joinConnection(req.socket, this)
    const rest = watchReader(req.socket, options.readerStallMs, () => this.reset())
    // 'finish' also comes when a connection is torn down with bytes still waiting.
    res.once('finish', () => {
      this.#isSent = !req.socket.destroyed
    })
    res.once('close', () => {
      leave()
      rest()
      this.closed()
    })
  }

  get signal(): AbortSignal {
    return this.#abort.signal
  }

  /** The request's path, without its query string. */
  get path(): string {
    return (this.req.url ?? '').split('?', 1)[0] ?? ''
  }

  abort(reason: ApiError): void {
    this.#abort.abort(reason)
  }

  /** The connection ended, or the response did. May be called twice. */
  closed(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    if (!this.#isSent) this.#abort.abort(new ClientGone())
    this.#onClose(this)
  }

  /** For a reader that takes nothing: the kernel shall let go of its bytes too. */
  reset(): void {
    this.req.socket.resetAndDestroy()
  }

  noteAccepted({ promptTokens }: Accepted): void {
    this.notes.promptTokens = (this.notes.promptTokens ?? 0) + promptTokens
  }

  noteResult(result: ReplyResult): void {
    const { completionTokens } = result.usage
    this.notes.completionTokens = (this.notes.completionTokens ?? 0) + completionTokens
    this.results.push(result)
  }

  json(status: number, value: unknown): void {
    sendJson(this, status, value)
  }

  /** Answers with what went wrong, as the wire stands: a status, or a frame and the end. */
  fail(thrown: unknown): void {
    const reason: unknown = this.signal.aborted ? this.signal.reason : thrown
    if (reason instanceof ClientGone) return
    const error = toApiError(reason, this.promptField)
    this.#failure = error
    if (this.stream !== undefined) {
      this.stream.fail(error)
      return
    }
    const { status, retryAfterSeconds } = error
    if (retryAfterSeconds !== undefined) this.res.setHeader('retry-after', retryAfterSeconds)
    if (status === 401) this.res.setHeader('www-authenticate', 'Bearer')
    sendJson(this, status, error.body())
  }

  entry(): AccessEntry {
    const { notes, res } = this
    const error = this.#failure
    return {
      requestId: this.requestId,
      method: this.req.method ?? '',
      route: notes.route,
      status: res.headersSent ? res.statusCode : 0,
      outcome: this.#outcome(),
      code: error?.code ?? undefined,
      durationMs: performance.now() - this.#startedAt,
      promptTokens: notes.promptTokens,
      completionTokens: notes.completionTokens,
      error: error?.kind === 'internal' ? error.cause : undefined,
    }
  }

  #outcome(): AccessEntry['outcome'] {
    if (this.#failure !== undefined) return 'failed'
    return this.#isSent ? 'done' : 'gone'
  }
}
