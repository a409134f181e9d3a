import { atCaller } from '../../engine/call-site.js'
import { noOptions } from '../../options/checks.js'
import { App } from '../app.js'
import { Drain } from '../drain.js'
import {
  type DrainOptions,
  type FetchHandlerOptions,
  fetchSettings,
  modelHostOf,
} from '../options.js'
import { Exchange } from './exchange.js'
import { checkRequest } from './request.js'

/**
 * Answers one request. Never rejects for what a request says; it does for what is no Request.
 * @param host what a server hands over beside it, as Deno's and Bun's do: where that tells the
 *   address that the request comes from, it is looked at
 */
type Handle = (request: Request, host?: unknown) => Promise<Response>

/** What `fetchHandler` makes. */
export interface FetchHandler extends Handle, AsyncDisposable {
  /**
   * Stops well, as `drain()` of a server does: /health and new requests get 503 from now on,
   * running replies finish, and those that still run after `deadlineMs` (30,000) get an error and
   * end. Resolves once none is left; the server in front, and the engine, can be closed then.
   * Called again, it is the same drain; a shorter deadline then counts. May be a listener of a
   * signal or a hook of a framework itself. Rejects with ERR_INVALID_OPTION and stops nothing then.
   */
  drain(options?: DrainOptions): Promise<void>
  /** drain() with no time left. The engine stays open. */
  close(): Promise<void>
}

/**
 * The routes of `createServer` as a web-standard function from a Request to its Response: for Hono,
 * Next's route handlers, Bun, Deno and tests without a socket. A stream is computed as it is read:
 * one that nobody reads is parked. One whose reader leaves ends, by `cancel()` of its body or by
 * the request's signal, also before the headers.
 *
 * Without `apiKeys` only requests to this machine's own names, or to those in `allowHosts`, are
 * answered: a handler does not know what its server is bound to. Throws InvalidOptionError.
 *
 * @example
 * ```js
 * import { load } from 'sluice'
 * import { fetchHandler } from 'sluice/http'
 *
 * const engine = await load()
 * const handler = fetchHandler({ engine })
 * const response = await handler(new Request('http://localhost/v1/models'))
 * console.log(await response.json())
 * await handler.close()
 * await engine.close()
 * ```
 */
export function fetchHandler(options: FetchHandlerOptions, ...none: []): FetchHandler {
  return atCaller(() => {
    noOptions(none)
    const settings = fetchSettings(options)
    return handlerOf(new App(settings, modelHostOf(settings)))
  })
}

function handlerOf(app: App): FetchHandler {
  // At its deadline every stream ends at once, read or not: there is nothing left to cut off.
  const drain = new Drain(
    (deadline) => app.drain(deadline),
    () => undefined,
  )
  const handle: Handle = async (request, host) => {
    checkRequest(request)
    return new Exchange(app, request, host).answer()
  }
  const close = async (...none: []) => {
    noOptions(none)
    return drain.run({ deadlineMs: 0 })
  }
  return Object.assign(handle, {
    drain: (options?: DrainOptions) => drain.run(options),
    close,
    [Symbol.asyncDispose]: () => close(),
  })
}
