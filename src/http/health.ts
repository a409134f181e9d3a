import { healthy } from '../openai/health/reply.js'
import type { App } from './app.js'
import type { Exchange } from './exchange.js'

/**
 * GET /health: 200 while requests are served, else the 503 that they would get. Everybody may ask,
 * so where the server has keys, whoever brings none is told of a fault by its code alone.
 */
export function health(app: App, exchange: Exchange): void {
  app.models(app.keys.areGiven(exchange.req.headers) ? 'whole' : 'code')
  exchange.json(200, healthy)
}
