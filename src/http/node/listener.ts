import type { IncomingMessage, ServerResponse } from 'node:http'
import { atCaller } from '../../engine/call-site.js'
import { noOptions } from '../../options/checks.js'
import {
  type Answer,
  type AnswerHeaders,
  errorAnswer,
  type StreamedAnswer,
  type WholeAnswer,
} from '../../web/answer.js'
import { Call, type CallHeaders, type Incoming } from '../../web/call.js'
import type { ErrorKind, HttpError } from '../../web/errors.js'
import { type Target, targetOf } from '../../web/target.js'
import { App } from '../app.js'
import { answer, isServed } from '../dispatch.js'
import { type ReaderState, ReaderWatch, type WatchedAnswer } from '../door/reader-watch.js'
import { Drain } from '../drain.js'
import {
  type DrainOptions,
  type ListenerOptions,
  listenerSettings,
  modelHostOf,
} from '../options.js'
import { isUnmet, readBody } from './body.js'
import {
  joinConnection,
  otherVersion,
  type Passenger,
  readerOf,
  resetConnection,
} from './connection.js'
import {
  type Handed,
  handed,
  takeOver,
  targetBelow,
  type WrappedReply,
  type WrappedRequest,
} from './mounted.js'
import { pump, StreamSendBuffer, sendWhole } from './send.js'

/**
 * Answers one request. Takes Node's own, or those of a framework that has them at `raw`, as Fastify
 * does.
 * @param next called where no route fits; without it that is a 404, or a 405
 */
type Listen = (
  req: IncomingMessage | WrappedRequest,
  res: ServerResponse | WrappedReply,
  next?: () => void,
) => void

/** What `requestListener` makes. */
export interface RequestListener extends Listen {
  /**
   * Stops well, as `drain()` of a server does: /health and new requests get 503 from now on,
   * running replies finish, and those that still run after `deadlineMs` (30,000) get an error and
   * end. Resolves once none is left; the server in front, and the engine, can be closed then.
   * Called again, it is the same drain; a shorter deadline then counts. May be a listener of a
   * signal or a hook of a framework itself. Rejects with ERR_INVALID_OPTION and stops nothing then.
   */
  drain(options?: DrainOptions): Promise<void>
}

/**
 * A `(req, res, next)` function for a server or framework of one's own. Where something in front
 * has read the body (`express.json()`, Fastify's or Next's parser), it takes `req.body`: what was
 * parsed, a string or bytes; without it, such a request is a 400. What belongs to a whole server is
 * then that server's: `createServer` also limits connections and the time of headers, and answers
 * what is no HTTP. Throws InvalidOptionError.
 */
export function requestListener(options: ListenerOptions, ...none: []): RequestListener {
  return atCaller(() => {
    noOptions(none)
    const settings = listenerSettings(options)
    return listenerOf(new App(settings, modelHostOf(settings)))
  })
}

export function listenerOf(app: App): RequestListener {
  const sendBuffer = new StreamSendBuffer(app.settings.sendBufferBytes)
  const open = new Set<Exchange>()
  const reset = () => {
    for (const exchange of open) exchange.reset()
  }
  const drain = new Drain((deadline) => app.drain(deadline), reset)
  const listener: Listen = (request, reply, next) => {
    const from = handed(request, reply)
    const { method = '', url = '' } = from.req
    const target = targetBelow(from.req, app.settings.prefix)
    if (typeof next === 'function' && (!target || !isServed(app, method, target.path)))
      return next()
    takeOver(reply)
    const exchange = new Exchange({ app, sendBuffer, open }, from, target ?? targetOf(url))
    app.enter(exchange.call)
    void serve(app, exchange)
  }
  return Object.assign(listener, { drain: (options?: DrainOptions) => drain.run(options) })
}

async function serve(app: App, exchange: Exchange): Promise<void> {
  const { call, res } = exchange
  // What comes next on the connection would be refused.
  if (app.isDraining) call.answerHeaders.connection = 'close'
  try {
    if (exchange.req.httpVersionMajor > 1) throw otherVersion()
    if (res.headersSent) throw new Error('the response was begun before the listener got it')
    await exchange.send(await answer(app, call))
  } catch (error) {
    exchange.fail(error)
  } finally {
    call.end()
  }
}

/** After these the connection cannot go on: what would come next on it is not known. */
const endsConnection = new Set<ErrorKind>([
  'request_timeout',
  'header_size',
  'expectation',
  'http_version',
])

/** The listener that an exchange belongs to. */
interface Listener {
  readonly app: App
  readonly sendBuffer: StreamSendBuffer
  readonly open: Set<Exchange>
}

/** A request of Node's, as a call needs it. */
class NodeRequest implements Incoming {
  readonly method: string
  readonly target: Target
  readonly headers: CallHeaders
  readonly hosts: readonly string[]
  readonly isExpectingMore: boolean
  readonly #app: App
  readonly #handed: Handed

  constructor(app: App, handed: Handed, target: Target) {
    const { req } = handed
    this.method = req.method ?? ''
    this.target = target
    this.headers = req.headers as CallHeaders // a list is Set-Cookie's only, which no request has
    this.hosts = hostsOf(req)
    this.isExpectingMore = isUnmet(req)
    this.#app = app
    this.#handed = handed
  }

  get localAddress(): string | undefined {
    return this.#handed.req.socket.localAddress
  }

  /** Not looked at: what a server of Node's is bound to is known, and its owner's choice. */
  get remoteAddress(): undefined {
    return undefined
  }

  get originInFront(): string | undefined {
    return this.#handed.res.getHeader('access-control-allow-origin')?.toString()
  }

  readBody(signal: AbortSignal): Promise<Uint8Array> {
    return readBody({ ...this.#handed, signal }, this.#app)
  }
}

/**
 * A call and its answer over node:http. Owned by the listener that made it, until the response
 * closes.
 */
class Exchange implements Passenger, WatchedAnswer {
  readonly req: IncomingMessage
  readonly res: ServerResponse
  readonly call: Call
  readonly #listener: Listener
  /** What it answers with is of ours, and not of something in front that lost its patience. */
  #isAnswered = false
  #isSent = false
  #isClosed = false

  constructor(listener: Listener, handed: Handed, target: Target) {
    const { app } = listener
    const { req, res } = handed
    this.req = req
    this.res = res
    this.#listener = listener
    listener.open.add(this)
    this.call = new Call(new NodeRequest(app, handed, target), app.errorWords)
    const leave = joinConnection(this, app.settings.readerStallMs)
    const watch = new ReaderWatch(this, app.settings.readerStallMs)
    // 'finish' also comes when a connection is torn down with bytes still waiting.
    // Not once(), whose wrapper takes 200 bytes a listener: each comes once.
    res.on('finish', () => {
      this.#isSent = this.#isAnswered && !req.socket.destroyed
    })
    res.on('close', () => {
      watch.stop()
      this.closed()
      leave() // what waits for the connection comes after
    })
  }

  /** The status that was sent; 0 where none was. */
  get #status(): number {
    return this.res.headersSent ? this.res.statusCode : 0
  }

  abort(reason: HttpError): void {
    this.call.abort(reason)
  }

  /** The connection ended, or the response did. May be called twice. */
  closed(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#listener.open.delete(this)
    this.call.close(this.#isSent)
    this.#listener.app.leave(this.call, this.#status)
  }

  readerState(): ReaderState | undefined {
    return readerOf(this.req.socket)
  }

  onReaderStall(): void {
    this.reset()
  }

  /** For a reader that takes nothing: the kernel shall let go of its bytes too. */
  reset(): void {
    resetConnection(this.req.socket)
  }

  /** Resolves once a stream has ended; undefined where the answer is whole. */
  send(answer: Answer): Promise<void> | undefined {
    if ('frames' in answer) return this.#stream(answer)
    this.#sendWhole(answer)
    return undefined
  }

  #sendWhole(answer: WholeAnswer): void {
    this.#setHeaders(answer.headers)
    this.#isAnswered = true
    sendWhole(this, answer)
  }

  async #stream(answer: StreamedAnswer): Promise<void> {
    const { app, sendBuffer } = this.#listener
    sendBuffer.apply(this.req.socket)
    try {
      this.#setHeaders(answer.headers)
      this.#isAnswered = true
      await pump(this.res, answer, this.call, app.settings.pingMs)
    } catch (error) {
      this.fail(error, (told) => answer.errorFrame(told))
    } finally {
      answer.frames.return()
    }
  }

  /**
   * Answers with what went wrong, as the wire stands: a status, or a last frame.
   * @param lastFrame where frames were sent before
   */
  fail(thrown: unknown, lastFrame?: (error: HttpError) => string): void {
    if (this.req.socket.destroyed) return
    const error = this.call.fail(thrown)
    if (error === undefined) return
    try {
      this.#tell(error, lastFrame)
    } catch {
      this.reset() // `error` is in the log; what kept it from the client is no more than that
    }
  }

  #tell(error: HttpError, lastFrame?: (error: HttpError) => string): void {
    const { res } = this
    if (!res.headersSent) {
      if (endsConnection.has(error.kind)) this.call.answerHeaders.connection = 'close'
      this.#sendWhole(errorAnswer(error, this.call.errorWords, this.call.requestId))
    } else if (res.writableEnded)
      return // the whole answer is on its way
    else if (lastFrame !== undefined) res.end(lastFrame(error))
    else this.reset() // half a body cannot be told from a whole one
  }

  #setHeaders(headers: AnswerHeaders): void {
    for (const [name, value] of Object.entries({ ...this.call.answerHeaders, ...headers })) {
      this.res.setHeader(name, name === 'vary' ? joined(this.res.getHeader(name), value) : value)
    }
  }
}

/** A list of a header with one name more, which it may have already. */
function joined(list: number | string | string[] | undefined, name: string): string {
  const names = `${list ?? ''}`.split(',').map((one) => one.trim())
  const isThere = names.some((one) => one.toLowerCase() === name || one === '*')
  return (isThere ? names : [...names, name]).filter((one) => one !== '').join(', ')
}

/** Of several Host headers Node tells the first only. */
function hostsOf({ rawHeaders, headers }: IncomingMessage): string[] {
  const all = rawHeaders.filter(
    (_, i) => rawHeaders[i - 1]?.toLowerCase() === 'host' && i % 2 === 1,
  )
  return all.length > 1 || headers.host === undefined ? all : [headers.host]
}
