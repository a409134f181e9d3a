import { ApiError } from '../openai/errors.js'
import type { App } from './app.js'
import { checkExpectation } from './continue.js'
import type { Exchange } from './exchange.js'
import { checkHost, hostOf } from './host.js'
import { answerOptions, answerPreflight, checkOrigin, isPreflight } from './origin.js'
import { matchPath, methodsOf, routeFor, routeNotFound } from './routes.js'

/** Door, then route, then handler. Whatever is thrown on the way is the answer. */
export async function dispatch(app: App, exchange: Exchange): Promise<void> {
  try {
    await answer(app, exchange)
  } catch (error) {
    exchange.fail(error)
  } finally {
    exchange.end()
  }
}

async function answer(app: App, exchange: Exchange): Promise<void> {
  const { req, res, path } = exchange
  if (res.headersSent) throw new Error('the response was begun before the listener got it')
  const { settings, keys } = app
  const method = req.method ?? ''
  const match = matchPath(path)
  const route = routeFor(match, method)
  if (route !== undefined) exchange.route = route.pattern
  const isOpen = route?.isOpen?.(settings) ?? false
  const host = hostOf(req)
  // A page that was made to name this machine has no key.
  const needsKey = keys.areNeeded && !isOpen
  if (!needsKey && !match.routes.some(({ isOfAnyHost }) => isOfAnyHost)) {
    checkHost(host, settings, req.socket.localAddress)
  }
  checkOrigin(req, res, settings.allowOrigins)
  if (isPreflight(req)) return answerPreflight(req, res, methodsOf(match))
  if (method === 'OPTIONS' && (match.routes.length > 0 || path === '*')) {
    return answerOptions(res, methodsOf(match))
  }
  const key = isOpen ? undefined : keys.check(req.headers)
  checkExpectation(req)
  if (settings.isolateKeys) exchange.isolatedKey = key
  if (app.isDraining) res.setHeader('connection', 'close')
  if (route !== undefined) return route.handle(app, exchange, match.id)
  if (match.routes.length === 0) throw routeNotFound(method, path)
  const allow = methodsOf(match).join(', ')
  res.setHeader('allow', allow)
  throw new ApiError('method', `Expected ${allow} at ${path}, but got ${method}.`)
}
