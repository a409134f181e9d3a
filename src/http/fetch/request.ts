import { isObject, wrong } from '../../options/checks.js'
import type { CallHeaders, Incoming } from '../../web/call.js'
import { type Target, targetOf, withoutPrefix } from '../../web/target.js'
import type { App } from '../app.js'
import { readBody } from './body.js'

/** Throws InvalidOptionError for what is no Request, such as the context of a framework. */
export function checkRequest(request: unknown): asserts request is Request {
  const { url, headers } = (isObject(request) ? request : {}) as Partial<Request>
  if (typeof url === 'string' && typeof headers?.get === 'function') return
  throw wrong('request', 'a web-standard Request', request)
}

/** A web-standard request, as a call needs it. */
export class FetchRequest implements Incoming {
  readonly method: string
  readonly target: Target
  readonly headers: CallHeaders
  readonly hosts: readonly string[]
  /** Not told by any host. */
  readonly localAddress: undefined
  readonly remoteAddress: string | undefined
  /** A server in front has met it, or refused it. */
  readonly isExpectingMore = false
  /** What is in front has set no headers yet: it does so on the Response. */
  readonly originInFront: undefined
  readonly #app: App
  readonly #request: Request
  readonly #onGone: () => void

  /** @param onGone called where the request's body breaks off */
  constructor(app: App, request: Request, host: unknown, onGone: () => void) {
    const { path, host: urlHost, query = '' } = targetOf(request.url)
    const headers: CallHeaders = Object.fromEntries(request.headers)
    // What the client asked is in the header: hosts put names of their own into the URL. Without a
    // header, as over HTTP/2 or in a test, the URL is all that there is.
    const asked = headers.host ?? urlHost
    this.method = request.method
    this.target = { path: withoutPrefix(path, app.settings.prefix) ?? path, host: undefined, query }
    this.headers = { ...headers, host: asked }
    this.hosts = asked?.split(', ') ?? [] // several headers are told as a list
    this.remoteAddress = peerOf(request, host)
    this.#app = app
    this.#request = request
    this.#onGone = onGone
  }

  readBody(signal: AbortSignal): Promise<Uint8Array> {
    return readBody(
      { request: this.#request, headers: this.headers, signal },
      this.#app,
      this.#onGone,
    )
  }
}

/** What servers hand over beside a request: Deno's `info`, Bun's server, Hono's `c.env` on Node. */
interface Handed {
  readonly remoteAddr?: { readonly hostname?: unknown } | null
  readonly requestIP?: (request: Request) => { readonly address?: unknown } | null
  readonly incoming?: { readonly socket?: { readonly remoteAddress?: unknown } | null } | null
}

/** The address that a request comes from, where its server tells it. */
function peerOf(request: Request, host: unknown): string | undefined {
  if (!isObject(host)) return undefined
  const { remoteAddr, incoming } = host as Handed
  const address =
    remoteAddr?.hostname ?? bunAddressOf(request, host) ?? incoming?.socket?.remoteAddress
  return typeof address === 'string' ? address : undefined
}

function bunAddressOf(request: Request, host: Handed): unknown {
  return typeof host.requestIP === 'function' ? host.requestIP(request)?.address : undefined
}
