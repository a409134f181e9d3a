import type { Api, Route } from '../apis/api.js'
import { llamaServer } from '../apis/llama-server/api.js'
import { openAi } from '../apis/openai/api.js'
import { HttpError } from '../web/errors.js'
import type { App } from './app.js'
import { type OwnRoute, ownRoutes } from './own-routes.js'

/** The protocols that are spoken. Where a path is of none, the first one's words are used. */
const apis: readonly [Api, ...Api[]] = [openAi, llamaServer]

type AnyRoute = Route<App> & Partial<OwnRoute>

const routes: readonly AnyRoute[] = [...apis.flatMap((api) => api.routes), ...ownRoutes]

export interface Match {
  /** The protocol that is spoken there. */
  readonly api: Api
  readonly id: string
  /** The path's routes, one per method. */
  readonly routes: readonly AnyRoute[]
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
  return { api: likest(version + bare), id: '', routes: [] }
}

/** The protocol that has a path which begins as this one does, by its parts: as long as can be. */
function likest(path: string): Api {
  const parts = path.split('/')
  const likeness = (api: Api) => {
    const shared = api.routes.map(({ pattern }) => {
      const differs = pattern.split('/').findIndex((part, i) => part !== parts[i])
      return differs < 0 ? parts.length : differs
    })
    return Math.max(...shared)
  }
  return apis.reduce((best, api) => (likeness(api) > likeness(best) ? api : best))
}

function exactly(path: string): Match | undefined {
  for (const { pattern } of routes) {
    const id = idIn(pattern, path)
    if (id === undefined) continue
    const api = apis.find((one) => one.routes.some((route) => route.pattern === pattern))
    const same = routes.filter((route) => route.pattern === pattern)
    return { api: api ?? apis[0], id, routes: same }
  }
  return undefined
}

/** Methods that a path answers, HEAD beside every GET. */
export function methodsOf({ routes }: Match): string[] {
  return routes.flatMap(({ method }) => (method === 'GET' ? ['GET', 'HEAD'] : [method]))
}

/** The route of a method among a path's, or undefined. */
export function routeFor({ routes }: Match, method: string): AnyRoute | undefined {
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
