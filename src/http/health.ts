import { healthy } from '../openai/health/reply.js'
import type { App } from './app.js'
import type { Exchange } from './exchange.js'
import { checkHost, hostOf } from './host.js'

/**
 * GET /health: 200 while requests are served, else the 503 that they would get. Everybody may ask,
 * so where the server has keys, whoever brings none is told of a fault by its code alone.
 */
export function health(app: App, exchange: Exchange): void {
  app.models(mayKnow(app, exchange) ? 'whole' : 'code')
  exchange.json(200, healthy)
}

/** A page whose name was made to resolve to this machine may ask as well: see checkHost. */
function mayKnow({ keys, settings }: App, { req }: Exchange): boolean {
  if (keys.areNeeded) return keys.areGiven(req.headers)
  try {
    checkHost(hostOf(req), settings, req.socket.localAddress)
    return true
  } catch {
    return false
  }
}
