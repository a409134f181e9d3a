import type { Api, Route } from '../apis/api.js'
import type { KeyLimits } from '../options/api-keys.js'
import type { Answer } from '../web/answer.js'
import type { Call, CallHeaders } from '../web/call.js'
import { deadlinesOf } from '../web/deadline.js'
import { begun } from '../web/early.js'
import { HttpError } from '../web/errors.js'
import { apis } from './apis.js'
import type { App } from './app.js'
import {
  checkHost,
  checkOrigin,
  hostOf,
  isPreflight,
  optionsAnswer,
  preflightAnswer,
} from './door/origin.js'
import type { ListenerSettings } from './options.js'
import { type OwnRoute, ownRoutes } from './own-routes.js'

type ServedRoute = Route<App> & Partial<OwnRoute> & { readonly api: Api }

const routes: readonly ServedRoute[] = [
  ...apis.flatMap((api) => api.routes.map((route) => ({ ...route, api }))),
  ...ownRoutes.map((route) => ({ ...route, api: apis[0] })),
]

/** What is found at a path. */
interface Match {
  /** The protocol that is spoken there, where no route has the request's method. */
  readonly api: Api
  /** What {id} stands for. */
  readonly id: string
  /** The path's routes, one per method. */
  readonly routes: readonly ServedRoute[]
}

/** Whether there is a route for that, preflights included. */
export function isServed({ settings }: App, method: string, path: string): boolean {
  const match = matchPath(settings, path)
  if (method === 'OPTIONS') return match.routes.length > 0
  return routeFor(match, method) !== undefined
}

/** Door, then route, then handler. Whatever is thrown on the way is what the client is told. */
export async function answer(app: App, call: Call): Promise<Answer> {
  const { settings, keys } = app
  const { method, path, answerHeaders } = call
  const match = matchPath(settings, path, call.headers)
  const route = routeFor(match, method)
  const api = route?.api ?? match.api
  call.errorWords = api.errorWords
  if (api.requestIdHeader !== undefined) answerHeaders[api.requestIdHeader] = call.requestId
  if (route !== undefined) call.route = route.pattern
  const isOpen = route?.isOpen?.(settings) ?? false
  const host = hostOf(call)
  // A page that was made to name this machine has no key.
  const needsKey = keys.areNeeded && !isOpen
  if (!needsKey && !match.routes.some(({ isOfAnyHost }) => isOfAnyHost)) {
    checkHost(host, settings, call)
  }
  checkOrigin(call, settings.allowOrigins)
  if (api.requestIdHeader !== undefined) expose(answerHeaders, [api.requestIdHeader])
  if (isPreflight(call)) return preflightAnswer(call, methodsOf(match), api.keyHeaders)
  if (method === 'OPTIONS' && (match.routes.length > 0 || path === '*')) {
    return optionsAnswer(methodsOf(match))
  }
  const key = isOpen ? undefined : keys.check(api, call.headers)
  if (call.isExpectingMore) {
    throw new HttpError('expectation', 'Expected no Expect header other than 100-continue.')
  }
  if (settings.isolateKeys) call.isolatedKey = key?.digest
  if (key !== undefined) call.isOf(key)
  if (route !== undefined) {
    if (method === 'POST') {
      if (key?.limits !== undefined) limit(app, call, api, key.limits)
      call.limitTime(deadlinesOf(call.headers)) // no other method has the engine compute
    }
    const answer = await inTime(route.handle(app, call, match.id), call)
    call.headersAreReady()
    return answer
  }
  if (match.routes.length === 0) throw routeNotFound(settings, method, path)
  answerHeaders.allow = methodsOf(match).join(', ')
  const expected = `Expected ${answerHeaders.allow} at ${path}`
  throw new HttpError('method', `${expected}, but got ${method}.`)
}

/** Throws a 429 for a call that is beyond its key's limits. */
function limit({ keyUse }: App, call: Call, api: Api, limits: KeyLimits): void {
  const state = keyUse.enter(call, limits)
  const told = api.limitHeaders?.(state) ?? {}
  Object.assign(call.answerHeaders, told)
  expose(call.answerHeaders, Object.keys(told))
  if (state.refusal !== undefined) throw state.refusal
}

/** The answer, or where its model is loaded for long, a stream that has begun. */
function inTime(answer: Answer | Promise<Answer>, call: Call): Answer | Promise<Answer> {
  if (!(answer instanceof Promise)) return answer
  return new Promise<Answer>((resolve, reject) => {
    call.onLate = (early) => resolve(begun(answer, early))
    answer.then(resolve, reject)
  }).finally(() => {
    call.onLate = undefined
  })
}

/** Pages that may read the answer may read these headers of it too. */
function expose(headers: Record<string, string>, names: readonly string[]): void {
  const exposed = headers[exposeHeader]
  if (exposed !== undefined) headers[exposeHeader] = [exposed, ...names].join(', ')
}

const exposeHeader = 'access-control-expose-headers'
const version = '/v1'

function withoutVersion(path: string): string {
  return path.replace(/^(?:\/v1)+(?=\/)/, '')
}

/**
 * The routes of a path, whatever their methods. Some clients are told an address with /v1 and some
 * without, and some add one of their own: each path is answered with one, without, and with two.
 */
function matchPath(settings: ListenerSettings, path: string, headers: CallHeaders = {}): Match {
  const bare = withoutVersion(path)
  for (const candidate of [path, bare, version + bare]) {
    const match = exactly(candidate, headers)
    const isThere = match?.routes.every((route) => route.isThere?.(settings) ?? true)
    if (match !== undefined && isThere) return match
  }
  const spoken = apis.find((api) => api.isSpokenBy?.(headers))
  return { api: spoken ?? protocolLike(path, apis), id: '', routes: [] }
}

/**
 * The protocol with the path that has most of its first parts in common with this one, however
 * often that has the version in front.
 */
export function protocolLike(path: string, among: readonly [Api, ...Api[]]): Api {
  const parts = withoutVersion(path).split('/')
  const likeness = (api: Api) => {
    const shared = api.routes.map(({ pattern }) => {
      const own = withoutVersion(pattern).split('/')
      const differs = own.findIndex((part, i) => part !== parts[i])
      return differs < 0 ? own.length : differs
    })
    return Math.max(...shared)
  }
  return among.reduce((best, api) => (likeness(api) > likeness(best) ? api : best))
}

/** Of several protocols that have the path, that which the request speaks, or else the first. */
function exactly(path: string, headers: CallHeaders): Match | undefined {
  const found = routes.filter(({ pattern }) => idIn(pattern, path) !== undefined)
  const [first] = found
  if (first === undefined) return undefined
  const { api, pattern } = found.find((one) => one.api.isSpokenBy?.(headers)) ?? first
  return {
    api,
    id: idIn(pattern, path) ?? '',
    routes: routes.filter((route) => route.pattern === pattern && route.api === api),
  }
}

/** Methods that a path answers, HEAD beside every GET. */
function methodsOf({ routes }: Match): string[] {
  return routes.flatMap(({ method }) => (method === 'GET' ? ['GET', 'HEAD'] : [method]))
}

/** The route of a method among a path's, or undefined. */
function routeFor({ routes }: Match, method: string): ServedRoute | undefined {
  return routes.find((route) => route.method === (method === 'HEAD' ? 'GET' : method))
}

function routeNotFound(settings: ListenerSettings, method: string, path: string): HttpError {
  const all = routes
    .filter((route) => route.isThere?.(settings) ?? true)
    .map((route) => `${route.method} ${route.pattern}`)
  const known = [...new Set(all)].join(', ')
  const asked = path.length <= 100 ? path : `${path.slice(0, 100)}...`
  const message = `There is no ${method} ${asked} here; expected one of: ${known}.`
  return new HttpError('route', `${message}${hintOfPrefix(path)}`)
}

/** Most who see that have mounted a listener where the path is not cut. */
function hintOfPrefix(path: string): string {
  const below = routes.find(({ pattern }) => {
    return pattern !== '/' && path.length <= 100 && path.endsWith(pattern)
  })
  if (below === undefined) return ''
  const prefix = path.slice(0, -below.pattern.length)
  return ` What is in front of them ('${prefix}') has to be cut off, or to be the option prefix.`
}

/** What {id} is in `path`, the empty string for a pattern without, undefined for no match. */
function idIn(pattern: string, path: string): string | undefined {
  const [prefix = '', suffix] = pattern.split('{id}')
  if (suffix === undefined) return pattern === path ? '' : undefined
  const isFit = path.length > prefix.length + suffix.length
  if (!isFit || !path.startsWith(prefix) || !path.endsWith(suffix)) return undefined
  return decoded(path.slice(prefix.length, path.length - suffix.length))
}

/** A broken escape stands for itself, and will be no model's name. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
