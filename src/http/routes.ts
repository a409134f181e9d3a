import type { Answer } from '../web/answer.js'
import type { Call } from '../web/call.js'
import { HttpError } from '../web/errors.js'
import type { App } from './app.js'
import { chatCompletions } from './handlers/chat.js'
import { completions } from './handlers/completions.js'
import { embeddings } from './handlers/embeddings.js'
import { health } from './handlers/health.js'
import { metrics } from './handlers/metrics-page.js'
import { listModels, oneModel } from './handlers/models.js'
import { applyTemplate, detokenize, tokenize } from './handlers/tokens.js'
import type { ListenerSettings } from './options.js'

/** Answers the call, or throws what its client is told. `id` is what {id} stands for. */
type Handler = (app: App, call: Call, id: string) => Answer | Promise<Answer>

interface Route {
  readonly method: 'GET' | 'POST'
  /** A path; a last part of {id} takes the rest of it, decoded. */
  readonly pattern: string
  readonly handle: Handler
  /** Whether it is open to everybody, without a key. Left out: never. */
  readonly isOpen?: (settings: ListenerSettings) => boolean
  /** Whether it is served to requests of any host name: nothing is to be had there. */
  readonly isOfAnyHost?: boolean
}

/** A new endpoint: a line here, a handler beside this file, a folder in src/openai for its wire. */
const routes: readonly Route[] = [
  { method: 'POST', pattern: '/v1/chat/completions', handle: chatCompletions },
  { method: 'POST', pattern: '/v1/completions', handle: completions },
  { method: 'POST', pattern: '/v1/embeddings', handle: embeddings },
  { method: 'POST', pattern: '/tokenize', handle: tokenize },
  { method: 'POST', pattern: '/detokenize', handle: detokenize },
  { method: 'POST', pattern: '/apply-template', handle: applyTemplate },
  { method: 'GET', pattern: '/v1/models', handle: listModels },
  { method: 'GET', pattern: '/v1/models/{id}', handle: oneModel },
  { method: 'GET', pattern: '/health', handle: health, isOpen: () => true, isOfAnyHost: true },
  {
    method: 'GET',
    pattern: '/metrics',
    handle: metrics,
    isOpen: ({ openMetrics }) => openMetrics,
  },
]

export interface Match {
  readonly id: string
  /** The path's routes, one per method. */
  readonly routes: readonly Route[]
}

const version = '/v1'

/**
 * The routes of a path, whatever their methods. Some clients are told an address with /v1 and some
 * without, and some add one of their own: each path is answered with one, without, and with two.
 */
export function matchPath(path: string): Match {
  const bare = path.replace(/^(?:\/v1)+(?=\/)/, '')
  for (const candidate of [path, bare, version + bare]) {
    const match = exactly(candidate)
    if (match !== undefined) return match
  }
  return { id: '', routes: [] }
}

function exactly(path: string): Match | undefined {
  for (const { pattern } of routes) {
    const id = idIn(pattern, path)
    if (id === undefined) continue
    return { id, routes: routes.filter((route) => route.pattern === pattern) }
  }
  return undefined
}

/** Methods that a path answers, HEAD beside every GET. */
export function methodsOf({ routes }: Match): string[] {
  return routes.flatMap(({ method }) => (method === 'GET' ? ['GET', 'HEAD'] : [method]))
}

/** The route of a method among a path's, or undefined. */
export function routeFor({ routes }: Match, method: string): Route | undefined {
  return routes.find((route) => route.method === (method === 'HEAD' ? 'GET' : method))
}

export function routeNotFound(method: string, path: string): HttpError {
  const known = routes.map((route) => `${route.method} ${route.pattern}`).join(', ')
  const asked = path.length <= 100 ? path : `${path.slice(0, 100)}...`
  return new HttpError('route', `There is no ${method} ${asked} here; expected one of: ${known}.`)
}

/** What {id} is in `path`, the empty string for a pattern without, undefined for no match. */
function idIn(pattern: string, path: string): string | undefined {
  if (!pattern.endsWith('{id}')) return pattern === path ? '' : undefined
  const prefix = pattern.slice(0, -'{id}'.length)
  if (!path.startsWith(prefix) || path.length === prefix.length) return undefined
  return decoded(path.slice(prefix.length))
}

/** A broken escape stands for itself, and will be no model's name. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
