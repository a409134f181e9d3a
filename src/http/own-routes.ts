import type { Route } from '../apis/api.js'
import { type Answer, json, whole } from '../web/answer.js'
import type { Call } from '../web/call.js'
import { HttpError } from '../web/errors.js'
import { apis } from './apis.js'
import type { App } from './app.js'
import { checkHost, hostOf } from './door/origin.js'
import { engineStatus } from './engine-status.js'
import type { ListenerSettings } from './options.js'
import { hasRoot, root } from './root.js'

/** An endpoint of the server itself, whichever protocols it speaks. */
export interface OwnRoute extends Route<App> {
  /** Whether it is open to all requests, without a key. */
  readonly isOpen: (settings: ListenerSettings) => boolean
  /** Whether it is served to requests of any host name: nothing is to be had there. */
  readonly isOfAnyHost?: boolean
  /** Whether it is there at all. Default: it is. */
  readonly isThere?: (settings: ListenerSettings) => boolean
}

export const ownRoutes: readonly OwnRoute[] = [
  { method: 'GET', pattern: '/health', handle: health, isOpen: () => true, isOfAnyHost: true },
  { method: 'GET', pattern: '/metrics', handle: metrics, isOpen: ({ openMetrics }) => openMetrics },
  { method: 'GET', pattern: '/engine', handle: engineStatus, isOpen: () => false },
  {
    method: 'GET',
    pattern: '/',
    handle: root,
    isOpen: () => true,
    isOfAnyHost: true,
    isThere: hasRoot,
  },
]

/**
 * GET /health: 200 while requests are served, else the 503 that they would get. It needs no key:
 * where the server has keys, a request without one gets only the code of a fault. A server whose
 * engine is being started again takes requests, which wait: it says 503, so that a balancer sends
 * them to one that has an engine.
 */
function health(app: App, call: Call): Answer {
  app.checkServing(mayKnow(app, call) ? 'whole' : 'code')
  if (app.host.isRestarting) throw new HttpError('loading', restarting)
  return json(200, { status: 'ok' })
}

const restarting = "The engine's process has died and is started again; requests wait for it."

/** A page whose name was made to resolve to this machine may ask as well: see checkHost. */
function mayKnow({ keys, settings }: App, call: Call): boolean {
  if (keys.areNeeded) return apis.some((api) => keys.areGiven(api.keyOf(call.headers)))
  try {
    checkHost(hostOf(call), settings, call)
    return true
  } catch {
    return false
  }
}

/** GET /metrics: also while the model loads, and while the server drains. */
async function metrics({ metrics }: App): Promise<Answer> {
  return whole(200, metrics.contentType, await metrics.text())
}
