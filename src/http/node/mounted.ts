import type { IncomingMessage, ServerResponse } from 'node:http'
import { isObject, wrong } from '../../options/checks.js'
import { type Target, targetOf, withoutPrefix } from '../../web/target.js'

/** A request of a framework that keeps Node's own inside, as Fastify does. */
export interface WrappedRequest {
  readonly raw: IncomingMessage
  /** What its parser has made of the body. */
  readonly body?: unknown
}

/** Its reply. */
export interface WrappedReply {
  readonly raw: ServerResponse
  /** Tells the framework that the answer is not its affair. */
  hijack?(): unknown
  /** Headers that were set and not sent, for example by a plugin for CORS. */
  getHeaders?(): Readonly<Record<string, number | string | string[] | undefined>>
}

/** A request as it comes to a listener, whatever is in front of that. */
export interface Handed {
  readonly req: IncomingMessage
  readonly res: ServerResponse
  /** What a body parser in front has left; undefined where there was none. */
  readonly body: unknown
}

/** Node's own of what a framework hands over. Throws InvalidOptionError for anything else. */
export function handed(
  request: IncomingMessage | WrappedRequest,
  reply: ServerResponse | WrappedReply,
): Handed {
  const req = ownOf<IncomingMessage>(request, 'rawHeaders')
  const res = ownOf<ServerResponse>(reply, 'writeHead')
  if (req === undefined) throw wrong('req', "Node's own request", request)
  if (res === undefined) throw wrong('res', "Node's own response", reply)
  return { req, res, body: bodyOf(request) ?? bodyOf(req) }
}

/** The answer is the listener's from now on. */
export function takeOver(reply: ServerResponse | WrappedReply): void {
  if (!('raw' in reply)) return
  reply.hijack?.()
  for (const [name, value] of Object.entries(reply.getHeaders?.() ?? {})) {
    if (value !== undefined) reply.raw.setHeader(name, value)
  }
}

/**
 * Node's own, told by `mark`, or what a framework keeps of it at `raw`, which programs also use for
 * things of theirs.
 */
function ownOf<Own extends object>(given: unknown, mark: string): Own | undefined {
  if (!isObject(given)) return undefined
  if (mark in given) return given as Own
  return 'raw' in given && isObject(given.raw) && mark in given.raw ? (given.raw as Own) : undefined
}

/** Some frameworks parse it where it is looked at, and throw what is wrong with it. */
function bodyOf(request: object): unknown {
  try {
    return (request as { body?: unknown }).body
  } catch {
    return undefined
  }
}

/**
 * What a request is about below `prefix`. Undefined where it is not below that: by its path as it
 * is, or by the whole one that frameworks keep where they cut it, as Express does.
 */
export function targetBelow(req: IncomingMessage, prefix: string): Target | undefined {
  const { originalUrl } = req as IncomingMessage & { originalUrl?: unknown }
  const target = targetOf(req.url ?? '')
  const whole = typeof originalUrl === 'string' ? [targetOf(originalUrl).path] : []
  for (const path of [target.path, ...whole]) {
    const own = withoutPrefix(path, prefix)
    if (own !== undefined) return { ...target, path: own }
  }
  return undefined
}
