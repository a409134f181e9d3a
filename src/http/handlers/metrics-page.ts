import { type Answer, whole } from '../../web/answer.js'
import type { App } from '../app.js'

/** GET /metrics: also while the model loads, and while the server drains. */
export async function metrics({ metrics }: App): Promise<Answer> {
  return whole(200, metrics.contentType, await metrics.text())
}
