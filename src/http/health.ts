import { healthy } from '../openai/health/reply.js'
import type { App } from './app.js'
import type { Exchange } from './exchange.js'

/** GET /health: 200 while requests are served, else the 503 that they would get. */
export function health(app: App, exchange: Exchange): void {
  app.models()
  exchange.json(200, healthy)
}
