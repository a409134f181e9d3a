import {
  type Answer,
  errorAnswer,
  type StreamedAnswer,
  type WholeAnswer,
} from '../../web/answer.js'
import { Call } from '../../web/call.js'
import type { App } from '../app.js'
import { answer } from '../dispatch.js'
import { frameStream } from './frame-stream.js'
import { FetchRequest } from './request.js'

/** Of the Response to a client that has left, which no server sends. */
const clientGone = 499

const utf8 = new TextEncoder()

/**
 * A call and its Response. Owned by the handler that made it, until the Response is made, or where
 * that is a stream, until it has ended.
 */
export class Exchange {
  readonly #app: App
  /** Kept to the end: the signal of a request that is collected as garbage never fires. */
  readonly #request: Request
  readonly #call: Call
  /** The status of its Response; 0 until there is one. */
  #status = 0
  #isClosed = false

  constructor(app: App, request: Request, host: unknown) {
    this.#app = app
    this.#request = request
    this.#call = new Call(new FetchRequest(app, request, host, this.#onGone), app.errorWords)
    app.enter(this.#call)
    request.signal.addEventListener('abort', this.#onGone)
    if (request.signal.aborted) this.#onGone()
  }

  /** Never rejects. */
  async answer(): Promise<Response> {
    // It has left the app: what takes it in now would never let it go.
    if (this.#isClosed) return this.#nobody()
    try {
      return this.#respond(await answer(this.#app, this.#call))
    } catch (thrown) {
      const error = this.#call.fail(thrown)
      if (error === undefined) return this.#nobody()
      return this.#whole(errorAnswer(error, this.#call.errorWords, this.#call.requestId))
    }
  }

  #respond(found: Answer): Response {
    if (!('frames' in found)) return this.#whole(found)
    if (!this.#isClosed && this.#request.method !== 'HEAD') return this.#stream(found)
    found.frames.return()
    return this.#isClosed ? this.#nobody() : this.#whole({ ...found, body: undefined })
  }

  #nobody(): Response {
    this.#close(false)
    return new Response(null, { status: clientGone })
  }

  /** It counts as sent once the server in front has it: whether its bytes arrive is not told. */
  #whole({ status, headers, body: content }: WholeAnswer): Response {
    const body = typeof content === 'string' ? utf8.encode(content) : content
    const isHead = this.#request.method === 'HEAD'
    const response = new Response(isHead ? null : body, {
      status,
      headers: {
        ...this.#call.answerHeaders,
        ...headers,
        ...(body === undefined ? {} : { 'content-length': `${body.length}` }),
      },
    })
    this.#status = status
    this.#close(true)
    return response
  }

  #stream(found: StreamedAnswer): Response {
    const { status, headers } = found
    const body = frameStream(found, {
      call: this.#call,
      settings: this.#app.settings,
      signal: this.#request.signal,
      onEnd: (isSent) => this.#close(isSent),
    })
    this.#status = status
    return new Response(body, { status, headers: { ...this.#call.answerHeaders, ...headers } })
  }

  /** The client has left. What is under way for it hears of that by the call's signal. */
  readonly #onGone = (): void => this.#close(false)

  #close(isSent: boolean): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#request.signal.removeEventListener('abort', this.#onGone)
    this.#call.close(isSent)
    this.#call.end()
    this.#app.leave(this.#call, this.#status)
  }
}
