import type { Answer } from '../web/answer.js'
import type { Call } from '../web/call.js'
import { HttpError } from '../web/errors.js'
import type { App } from './app.js'
import { checkHost, hostOf } from './door/host.js'
import { checkOrigin, isPreflight, optionsAnswer, preflightAnswer } from './door/origin.js'
import { matchPath, methodsOf, routeFor, routeNotFound } from './routes.js'

/** Door, then route, then handler. Whatever is thrown on the way is what the client is told. */
export async function answer(app: App, call: Call): Promise<Answer> {
  const { settings, keys } = app
  const { method, path, answerHeaders } = call
  const match = matchPath(path)
  call.errorWords = match.api.errorWords
  const route = routeFor(match, method)
  if (route !== undefined) call.route = route.pattern
  const isOpen = route?.isOpen?.(settings) ?? false
  const host = hostOf(call)
  // A page that was made to name this machine has no key.
  const needsKey = keys.areNeeded && !isOpen
  if (!needsKey && !match.routes.some(({ isOfAnyHost }) => isOfAnyHost)) {
    checkHost(host, settings, call.localAddress)
  }
  checkOrigin(call, settings.allowOrigins)
  if (isPreflight(call)) return preflightAnswer(call, methodsOf(match))
  if (method === 'OPTIONS' && (match.routes.length > 0 || path === '*')) {
    return optionsAnswer(methodsOf(match))
  }
  const key = isOpen ? undefined : keys.check(match.api, call.headers)
  if (call.isExpectingMore) {
    throw new HttpError('expectation', 'Expected no Expect header other than 100-continue.')
  }
  if (settings.isolateKeys) call.isolatedKey = key
  if (app.isDraining) answerHeaders.connection = 'close'
  if (route !== undefined) return route.handle(app, call, match.id)
  if (match.routes.length === 0) throw routeNotFound(method, path)
  answerHeaders.allow = methodsOf(match).join(', ')
  const expected = `Expected ${answerHeaders.allow} at ${path}`
  throw new HttpError('method', `${expected}, but got ${method}.`)
}
