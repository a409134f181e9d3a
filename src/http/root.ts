import { type Answer, whole } from '../web/answer.js'
import type { Call } from '../web/call.js'
import type { App } from './app.js'
import type { ListenerSettings } from './options.js'
import { page } from './page.js'

/**
 * Whether there is an answer at `/`. A server's root is its own; that of a listener or a handler
 * within another server is not, unless the page is asked for.
 */
export function hasRoot(settings: ListenerSettings): boolean {
  return settings.page || 'host' in settings // which only a server has
}

/**
 * GET /: the page for what asks for HTML, as browsers do, and a line for all others. A client that
 * looks there whether a server runs has its answer by the status alone.
 */
export function root({ settings }: App, call: Call): Answer {
  const isBrowser = /\btext\/html\b/i.test(call.headers.accept ?? '')
  const found = settings.page && isBrowser ? page() : undefined
  return found ?? whole(200, 'text/plain; charset=utf-8', line, { vary: 'origin, accept' })
}

const line = 'Sluice is running\n'
