import { requestListener } from 'sluice/http'
import { engine } from '../../../lib/engine.js'

let listener

/** OpenAI's API below /api/ai/v1; Next has read the body before. */
export default async function handler(req, res) {
  listener ??= requestListener({ engine: await engine(), prefix: '/api/ai' })
  return listener(req, res)
}
