import { healthy } from '../../openai/health/reply.js'
import { type Answer, json } from '../../web/answer.js'
import type { Call } from '../../web/call.js'
import type { App } from '../app.js'
import { checkHost, hostOf } from '../door/host.js'

/**
 * GET /health: 200 while requests are served, else the 503 that they would get. Everybody may ask,
 * so where the server has keys, whoever brings none is told of a fault by its code alone.
 */
export function health(app: App, call: Call): Answer {
  app.models(mayKnow(app, call) ? 'whole' : 'code')
  return json(200, healthy)
}

/** A page whose name was made to resolve to this machine may ask as well: see checkHost. */
function mayKnow({ keys, settings }: App, call: Call): boolean {
  if (keys.areNeeded) return keys.areGiven(call.headers)
  try {
    checkHost(hostOf(call), settings, call.localAddress)
    return true
  } catch {
    return false
  }
}
