import type { App } from './app.js'
import type { Exchange } from './exchange.js'
import { sendBody } from './respond.js'

/** GET /metrics: also while the model loads, and while the server drains. */
export async function metrics({ metrics }: App, exchange: Exchange): Promise<void> {
  sendBody(exchange, 200, metrics.contentType, await metrics.text())
}
