import { isRunning } from '../apis/ollama/running.js'
import type { Answer } from '../web/answer.js'
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
 * GET /: the page for what asks for HTML, as browsers do. All others get the line by which Ollama's
 * clients know a server, or have their answer by the status alone.
 */
export function root({ settings }: App, call: Call): Answer {
  const isBrowser = /\btext\/html\b/i.test(call.headers.accept ?? '')
  const found = settings.page && isBrowser ? page() : undefined
  return found ?? isRunning({ vary: 'origin, accept' })
}
